import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { cleanEnvironment } from '../../demo/clean-environment.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { type Playground, startPlayground } from '../../playground/playground.ts';
import { type ScriptedGateway, startScriptedGateway } from '../support/scripted-gateway.ts';

/** A folder with the image's contents, made by the Dockerfile's own steps, with nothing of the checkout beside it. */

const run = promisify(execFile);
const checkout = fileURLToPath(new URL('../../', import.meta.url));
const env: Record<string, string> = {
  ...cleanEnvironment(process.env),
  // As in the image, this Node runs, and not the one of node_modules.
  PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
};
/** npm's settings for its registry. Its cache has what the checkout's own installation brought. */
const npmSettings = {
  NODE_EXTRA_CA_CERTS: process.env['NODE_EXTRA_CA_CERTS'],
  npm_config_prefer_offline: 'true',
};

let root: string;
let dockerfile: string;
let playground: Playground;
let gateway: ScriptedGateway;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sparkthread-image-'));
  env['NODE_COMPILE_CACHE'] = join(root, 'cache');
  dockerfile = await readFile(join(checkout, 'Dockerfile'), 'utf8');
  await run(process.execPath, ['bin/sparkthread.js', 'build'], { cwd: checkout, env });
  const image = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  for (const [, names = '', to = ''] of image.matchAll(/^COPY (?:--from=build \/app\/)?(?!--)(.*) (\S+)$/gm))
    for (const name of names.split(' '))
      await cp(join(checkout, name), to === './' ? join(root, name) : join(root, to), { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) await cp(join(checkout, name), join(root, name));
  const [, install = ''] = /^RUN (npm ci .*)$/m.exec(dockerfile) ?? [];
  await run('sh', ['-c', install], {
    cwd: root,
    env: { ...cleanEnvironment(process.env, npmSettings), ...env },
  });
  const [, compile = ''] = /^RUN (node .*)$/m.exec(image) ?? [];
  await run('sh', ['-c', compile], { cwd: root, env });
  playground = await startPlayground();
  gateway = await startScriptedGateway();
});

afterAll(async () => {
  await gateway.close();
  await playground.stop();
  await rm(root, { recursive: true, force: true });
});

/** The least settings with which the bot starts. Its store is in the copy. */
function settings(): Record<string, string> {
  return { ...env, ...playground.environment, KG_URL: gateway.httpUrl, PORT: '0' };
}

test('hadolint finds no fault in the Dockerfile', async () => {
  const { stdout } = await run(join(inject('linters'), 'hadolint'), [join(checkout, 'Dockerfile')]);
  expect(stdout).toBe('');
});

test('the image has no source and no development package', async () => {
  expect(await readdir(root)).not.toContain('src');
  const packages = await readdir(join(root, 'node_modules'));
  expect(packages).toEqual(expect.arrayContaining(['keyv', 'pino']));
  expect(packages.filter((name) => name in packageJson.devDependencies)).toEqual([]);
});

test('the image has what Node compiled of the bot', async () => {
  const compiled = await readdir(join(root, 'cache'), { recursive: true });
  expect(compiled.length).toBeGreaterThan(3);
});

test('the image’s command answers a snippet, its health check needs no Node, and SIGTERM ends it', async () => {
  gateway.onStart = (kernel) => {
    kernel.onExecute = (request) => kernel.run(request, 'hello');
  };
  const [command, ...args] = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)?.[1] ?? '[]');
  const bot = spawn(command, args, { cwd: root, env: settings(), detached: true });
  const ended = once(bot, 'close');
  const killAll = (): void => void process.kill(-(bot.pid ?? 0), 'SIGKILL');
  process.once('exit', killAll);
  const said: string[] = [];
  const port = new Promise<number>((resolve, reject) => {
    for (const input of [bot.stdout, bot.stderr])
      createInterface({ input }).on('line', (line) => {
        said.push(line);
        if (line.includes('"bot.ready"')) resolve(JSON.parse(line).port);
      });
    void ended.then(() => reject(new Error(said.join('\n'))));
  });
  const PORT = String(await port);
  await playground.as('ana').slash('#data', '/spark 1+1');
  await playground.waitForMessage('#data', ({ text }) => text.includes('hello'));

  const healthcheck = join(root, 'bin/healthcheck.sh');
  await run(healthcheck, { env: { ...env, PORT } });
  bot.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  process.off('exit', killAll);
  await expect(run(healthcheck, { env: { ...env, PORT } })).rejects.toThrow('Connection refused');
});

test('the image has the doctor and --version', async () => {
  const node = (...args: string[]) => run(process.execPath, args, { cwd: root, env: settings() });
  expect((await node('bin/sparkthread.js', '--version')).stdout).toBe(`${packageJson.version}\n`);
  const { stdout } = await node('bin/sparkthread.js', 'doctor').catch(
    (error: unknown) => error as { stdout: string },
  );
  expect(stdout).toContain('Slack');
});

test('an SVG becomes a picture', async () => {
  const draw = run(process.execPath, ['dist/svg-to-png.js'], {
    cwd: root,
    env,
    encoding: 'buffer',
  });
  draw.child.stdin?.end(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="5" height="5"/></svg>',
  );
  expect((await draw).stdout.subarray(1, 4).toString()).toBe('PNG');
});
