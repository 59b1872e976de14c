import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { startPlayground, type Playground } from '../../../playground/playground.ts';
import { compiledCode } from '../../support/compiled-code.ts';
import { type ScriptedGateway, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type StartedBot, startBot } from '../../support/start-bot.ts';

let playground: Playground;
let gateway: ScriptedGateway;
beforeEach(async () => {
  playground = await startPlayground();
  gateway = await startScriptedGateway();
});
afterEach(async () => {
  await gateway.close();
  await playground.stop();
});

async function ask(bot: StartedBot, path: string): Promise<{ status: number; body: unknown }> {
  const { port } = await bot.untilLog((line) => line['msg'] === 'ready');
  const response = await fetch(`http://127.0.0.1:${String(port)}${path}`);
  return { status: response.status, body: await response.json() };
}

/** Asks until Slack is connected, or not: the bot notices a change a moment after the test made it. */
async function untilSlack(bot: StartedBot, ok: boolean): Promise<unknown> {
  for (;;) {
    const { status, body } = await ask(bot, '/readyz');
    expect(status).toBe(200);
    const { status: parts } = body as { status: Record<string, { ok: boolean }> };
    if (parts['slack']?.ok === ok) return body;
  }
}

test('a bot whose clock is ahead says at its start why messages will count as late', async () => {
  const ahead = 'const { now } = Date; Date.now = () => now() + 16 * 60_000;';
  await using bot = await startBot({
    playground,
    gateway,
    environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(ahead)}` },
  });
  expect(bot.log.filter(({ event }) => event === 'clock.differs')).toEqual([
    expect.objectContaining({
      level: 'warn',
      msg: expect.stringMatching(/ 16 min( \d+ s)? ahead of Slack’s: .* messages count as late\.$/),
    }),
  ]);
});

test('a healthy bot is alive, ready and the leader, and says how Slack, gateway and store are', async () => {
  await using bot = await startBot({ playground, gateway });
  const { version } = packageJson;
  expect(await ask(bot, '/healthz')).toEqual({ status: 200, body: { alive: true, version } });
  expect(await ask(bot, '/leader')).toEqual({ status: 200, body: { leader: true, role: 'leader' } });
  expect(bot.log[0]).toMatchObject({ event: 'bot.starting', version });
  // A part that takes longer to answer is not waited for.
  await expect
    .poll(() => ask(bot, '/readyz'))
    .toEqual({
      status: 200,
      body: {
        ready: true,
        role: 'leader',
        status: {
          slack: { ok: true, detail: expect.stringContaining('Connected by Socket Mode') },
          gateway: { ok: true, detail: 'It offers 2 kernelspecs.' },
          store: { ok: true, detail: 'The sqlite store answers.' },
        },
      },
    });
  expect((await ask(bot, '/elsewhere')).status).toBe(404);
});

test('a gateway that refuses the token is reported, and changes neither readiness nor liveness', async () => {
  gateway.answer = () => ({ status: 401, body: { reason: 'Unauthorized', message: '' } });
  await using bot = await startBot({ playground, gateway });
  expect((await ask(bot, '/healthz')).status).toBe(200);
  await expect
    .poll(() => ask(bot, '/readyz'))
    .toMatchObject({
      status: 200,
      body: {
        ready: true,
        status: {
          slack: { ok: true },
          gateway: {
            ok: false,
            detail: expect.stringContaining('does not accept our user, password or token'),
          },
          store: { ok: true },
        },
      },
    });
});

test('many probes ask the gateway once', async () => {
  await using bot = await startBot({ playground, gateway });
  await ask(bot, '/readyz');
  const before = gateway.calls.length;
  await Promise.all([ask(bot, '/readyz'), ask(bot, '/readyz'), ask(bot, '/readyz')]);
  expect(gateway.calls.length).toBe(before);
});

test('a bot without its socket to Slack says so, and says when it is back', async () => {
  await using bot = await startBot({ playground, gateway });
  // It stays without one until that was seen.
  const reopened = playground.hold('apps.connections.open');
  playground.drop();
  expect(await untilSlack(bot, false)).toMatchObject({
    status: { slack: { ok: false, detail: expect.stringContaining('reconnecting') }, gateway: { ok: true } },
  });
  reopened.release();
  await playground.waitForConnection();
  await untilSlack(bot, true);
});

test('an absent Slack while the bot reconnects does not end the bot', async () => {
  await using bot = await startBot({ playground, gateway });
  playground.fail('apps.connections.open', { kind: 'status', status: 503 }, 2);
  playground.fail('apps.connections.open', { kind: 'dropped' }, 1);
  playground.drop();
  await playground.waitFor(() => playground.callsOf('apps.connections.open').length === 5);
  await playground.waitForConnection();
  await untilSlack(bot, true);
});

test('a taken PORT ends the start with one sentence and exit code 78', async () => {
  const taken = createServer().listen(0);
  await once(taken, 'listening');
  const address = taken.address();
  const port = String(typeof address === 'object' ? address?.port : undefined);
  const { said, code } = await startMain({ STORE_URL: 'memory:', PORT: port });
  expect(said).toContain(`PORT ${port} on 127.0.0.1 is taken already`);
  expect(code).toBe(78);
  taken.close();
});

test('a HOST that this machine does not have ends the start with a sentence that names HOST', async () => {
  // 192.0.2.0/24 is nobody's (RFC 5737)
  const { said, code } = await startMain({ STORE_URL: 'memory:', PORT: '0', HOST: '192.0.2.1' });
  expect(said).toContain('HOST: 192.0.2.1 is no address of this machine (EADDRNOTAVAIL).');
  expect(code).toBe(78);
});

test('the folder that SPOOL_DIR names is made; a start that cannot make it is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-spool-'));
  await writeFile(join(folder, 'taken'), 'a file where a folder has to be');
  const settings = { STORE_URL: 'memory:', PORT: '0', SPOOL_DIR: join(folder, 'taken') };
  const { said, code } = await startMain(settings);
  expect(said).toContain(`${join(folder, 'taken', 'spool')} is where output is kept`);
  expect(said).toContain('(ENOTDIR). SPOOL_DIR names another place.');
  expect(code).toBe(78);
  const SPOOL_DIR = join(folder, 'shared');
  await using bot = await startBot({ playground, gateway, environment: { SPOOL_DIR } });
  expect(bot.log.some(({ event }) => event === 'bot.ready')).toBe(true);
  expect(await readdir(SPOOL_DIR)).toEqual(['spool']);
  await rm(folder, { recursive: true });
});

test('an unusable store ends the start with one sentence and exit code 78', async () => {
  const { said, code } = await startMain({ STORE_URL: 'sqlite:/proc/none/store.db', PORT: '0' });
  expect(said).toContain('STORE_URL: /proc/none/store.db cannot be used as a store');
  expect(code).toBe(78);
});

test('an unwritable folder for output ends the start with exit code 78', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-taken-'));
  await writeFile(join(folder, 'spool'), 'a file where a folder has to be');
  const { said, code } = await startMain({ STORE_URL: `sqlite:${join(folder, 'store.db')}`, PORT: '0' });
  expect(said).toContain(`${join(folder, 'spool')} is where output is kept`);
  expect(code).toBe(78);
  await rm(folder, { recursive: true });
});

test('so is one where the system allows no folders', async () => {
  const { said, code } = await startMain({ STORE_URL: 'memory:', PORT: '0', SPOOL_DIR: '/proc/none' });
  expect(said).toContain('/proc/none/spool is where output is kept');
  expect(code).toBe(78);
});

/** The real entry with these settings, until it has ended. */
async function startMain(settings: Record<string, string>): Promise<{ said: string; code: unknown }> {
  const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
  const env = { ...compiledCode, ...playground.environment, KG_URL: gateway.httpUrl, ...settings };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  return { said, code };
}

test('an app token that Slack refuses ends the start with that reason and exit code 78', async () => {
  const { said, code } = await startMain({
    STORE_URL: 'memory:',
    PORT: '0',
    SLACK_APP_TOKEN: 'xapp-another',
  });
  expect(said).toContain('SLACK_APP_TOKEN is refused by Slack (invalid_auth)');
  expect(code).toBe(78);
});

test.each(['missing_scope', 'not_allowed_token_type', 'account_inactive'])(
  'an app token that may not open sockets (%s) ends the start, too',
  async (said) => {
    playground.fail('apps.connections.open', { kind: 'error', error: said });
    const main = await startMain({ STORE_URL: 'memory:', PORT: '0' });
    expect(main.said).toContain(`SLACK_APP_TOKEN is refused by Slack (${said})`);
    expect(main.code).toBe(78);
  },
);

test('an app token that Slack refuses for a while does not end a bot that was connected', async () => {
  await using bot = await startBot({ playground, gateway });
  playground.fail('apps.connections.open', { kind: 'error', error: 'account_inactive' });
  playground.drop();
  await bot.untilLog((line) => String(line['msg']).includes('account_inactive'));
  await playground.waitForConnection();
  await untilSlack(bot, true);
});

test('an error inside Slack does not count as a wrong setting: the next start may succeed', async () => {
  playground.fail('auth.test', { kind: 'error', error: 'internal_error' });
  const { said, code } = await startMain({ STORE_URL: 'memory:', PORT: '0' });
  expect(said).toContain('internal_error');
  expect(code).toBe(1);
});

test('a token that Slack refuses and an absent Slack are told apart', async () => {
  const refused = startBot({ playground, gateway, environment: { SLACK_BOT_TOKEN: 'xoxb-another' } });
  await expect(refused).rejects.toThrow('SLACK_BOT_TOKEN is refused by Slack (invalid_auth)');
  const absent = startBot({
    playground,
    gateway,
    environment: { SLACK_API_URL: 'http://127.0.0.1:9/api/' },
  });
  await expect(absent).rejects.toThrow(/Slack does not answer.*\(.*(bad port|ECONNREFUSED).*\)/);
});
