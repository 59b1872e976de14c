import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { compiledCode } from '../../support/compiled-code.ts';

const root = new URL('../../../', import.meta.url);

/** The program with these arguments and no settings, until it has ended. */
async function start(program: string, args: readonly string[]): Promise<{ code: unknown; said: string }> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(program, root)), ...args], {
    cwd: fileURLToPath(new URL('docs', root)),
    env: { ...compiledCode, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
    // What it would start else must not outlive the test.
    timeout: 100_000,
  });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, said: `${out}${err}` };
}

test.each(['src/main.ts', 'src/doctor/main.ts'])('%s takes no arguments, and says so', async (program) => {
  const { code, said } = await start(program, ['--token', 'xoxb-mistaken']);
  expect(said).toContain('No arguments are read: settings come from the environment and from .env.');
  expect(said).not.toMatch(/xoxb-mistaken|SLACK_BOT_TOKEN/);
  expect(code).toBe(78);
});

test.each([
  ['demo/main.ts', ['--bogus'], 'usage: npm run demo'],
  ['demo/main.ts', ['extra'], 'usage: npm run demo'],
  ['demo/main.ts', ['--say'], 'usage: npm run demo'],
  ['demo/main.ts', ['--say', ' '], 'usage: npm run demo'],
  ['playground/main.ts', ['99999'], 'usage: node playground/main.ts'],
  ['bench/ends-beside-progress.ts', ['many'], 'usage: node bench/ends-beside-progress.ts'],
  ['tools/take-screenshots.ts', ['nothing-of-that-name'], 'usage: npm run screenshots'],
])('%s with %j shows its usage and does nothing', async (program, args, usage) => {
  const { code, said } = await start(program, args);
  expect(said).toContain(usage);
  expect(code).toBe(78);
});

test('the entry prints its usage', async () => {
  const { code, said } = await start('bin/sparkthread.js', ['--help']);
  expect(said).toContain('start|demo|test|doctor');
  expect(code).toBe(0);
});

test('the entry prints the version of package.json', async () => {
  const { code, said } = await start('bin/sparkthread.js', ['--version']);
  expect(said).toBe(`${packageJson.version}\n`);
  expect(code).toBe(0);
});
