import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTokenSource } from '../../../../src/gateway/auth/token-source.ts';
import { silentLog } from '../../../../src/log.ts';
import { runWithoutDescriptors } from '../../../support/without-descriptors.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkthread-token-'));
});
afterAll(() => rm(folder, { recursive: true }));

function openCommand(argv: readonly string[], commandMs?: number) {
  const lines: string[] = [];
  const write = (details: object, message: string) =>
    void lines.push(JSON.stringify({ ...details, message }));
  const log = { ...silentLog, debug: write, info: write, warn: write, error: write };
  return { source: openTokenSource({ kind: 'command', argv }, log, commandMs), lines };
}

/** A program of the test's own. */
function script(code: string): string[] {
  return [process.execPath, '-e', code];
}

test('a command’s stdout, with unchanged arguments and no input', async () => {
  const { source } = openCommand(['printf', '%s|%s', '$HOME; echo x', 'a b']);
  expect(await source.read()).toBe('$HOME; echo x|a b');
  expect(await openCommand(['cat']).source.read()).toBe('');
});

test.for([
  ['fails', script('process.exit(3)'), 'exit code 3'],
  ['is killed', script('process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 1e6)'), 'SIGTERM'],
  ['is not there', ['/nowhere/at-all'], 'ENOENT'],
  ['prints a megabyte', script('process.stdout.write("x".repeat(2 ** 20))'), 'it printed more than 64 KiB'],
  ['prints for ever', ['yes'], 'it printed more than 64 KiB'],
] as const)('a command that %s', async ([, argv, end]) => {
  const { source, lines } = openCommand(argv);
  const message = `The command for the gateway’s token failed (${end})`;
  await expect(source.read()).rejects.toMatchObject({ code: 'noCredentials', message });
  expect(lines).toHaveLength(1);
});

test('what a command fails with is logged once, until it has succeeded or fails with something else', async () => {
  const path = join(folder, 'says');
  const code = `const says = require('node:fs').readFileSync('${path}', 'utf8');
    if (says === 'a-token') console.log(says); else { console.error(says); process.exitCode = 1; }`;
  const { source, lines } = openCommand(script(code));
  for (const says of ['expired', 'expired', 'offline', 'offline', 'a-token', 'offline']) {
    await writeFile(path, says);
    await source.read().catch(() => undefined);
  }
  expect(lines.map((line) => JSON.parse(line).said)).toEqual(['expired', 'offline', 'offline']);
});

test('a command that hangs is killed after its timeout, with its children', async () => {
  // The shell ends at once; the sleep that it leaves behind holds the pipe.
  const { source } = openCommand(['sh', '-c', 'sleep 600 & exit 0'], 200);
  const message = 'The command for the gateway’s token failed (no end within 0.2 s)';
  await expect(source.read()).rejects.toMatchObject({ message });
});

test('a command that leaves a daemon with its pipes fails after its timeout', async () => {
  const path = join(folder, 'daemon');
  const daemon = `spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { detached: true, stdio: 'inherit' })`;
  const code = `const { spawn } = require('node:child_process'); const child = ${daemon}; child.unref();
    require('node:fs').writeFileSync('${path}', String(child.pid)); console.log('token')`;
  try {
    const message = 'The command for the gateway’s token failed (no end within 1 s)';
    await expect(openCommand(script(code), 1_000).source.read()).rejects.toMatchObject({ message });
  } finally {
    process.kill(Number(await readFile(path, 'utf8')), 'SIGKILL');
  }
});

test('a process without free file descriptors survives that no command can be started', async () => {
  const source = new URL('../../../../src/gateway/auth/token-source.ts', import.meta.url);
  const said = await runWithoutDescriptors(
    `const { openTokenSource } = await import('${source.href}');
     const log = { warn() {} };
     const source = openTokenSource({ kind: 'command', argv: ['echo'] }, log);`,
    `await source.read()`,
  );
  expect(said).toBe('GatewayError: The command for the gateway’s token failed (EMFILE)\n');
});

test('the log has the first line of stderr without anything like a token, and nothing of stdout', async () => {
  const secret = 'ya29.A0ARrdaM9secretsecretsecret';
  const code = `console.log('${secret}'); console.error('denied for ${secret} today\\nmore'); process.exit(1)`;
  const { source, lines } = openCommand(script(code));
  const failure: unknown = await source.read().catch((error: unknown) => error);
  expect(String(failure)).not.toContain(secret);
  expect(lines.map((line) => JSON.parse(line).said)).toEqual(['denied for [left out] today']);
  expect(lines.join('')).not.toContain(secret);
});

test('a file is read again after it was written or replaced', async () => {
  const path = join(folder, 'token');
  await writeFile(path, 'one');
  const source = openTokenSource({ kind: 'file', path }, silentLog);
  expect(await source.read()).toBe('one');
  expect(await source.isChanged?.()).toBe(false);
  await writeFile(path, 'another');
  expect(await source.isChanged?.()).toBe(true);
  expect(await source.read()).toBe('another');
  await writeFile(`${path}.next`, 'a third');
  await rename(`${path}.next`, path);
  expect(await source.isChanged?.()).toBe(true);
  expect(await source.read()).toBe('a third');
  await rm(path);
  expect(await source.isChanged?.()).toBe(true);
  const message = 'The file with the gateway’s token cannot be read (ENOENT)';
  await expect(source.read()).rejects.toMatchObject({ code: 'noCredentials', message });
});

test('a file that is not a token', async () => {
  const path = join(folder, 'big');
  await writeFile(path, 'x'.repeat(2 ** 20));
  const message = 'The file with the gateway’s token is longer than 64 KiB';
  await expect(openTokenSource({ kind: 'file', path }, silentLog).read()).rejects.toMatchObject({ message });
});
