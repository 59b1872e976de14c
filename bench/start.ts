import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPlayground } from '../playground/playground.ts';
import { startScriptedGateway } from '../test/support/scripted-gateway.ts';
import { median } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * From the start of the process to its connection with Slack, and its memory a little later: the whole bot as
 * `npm start` starts it, on the scripted gateway, against a Bolt app that has loaded @jupyterlab/services, in turns.
 * Prints the first start of the bot (nothing compiled yet), both medians of the others, the ratio, and the resident
 * memory at rest.
 *
 *   node bench/start.ts [rounds=10]
 */

const rounds = givenNumber(0, 10, 'node bench/start.ts [rounds=10]');
/** What is compiled and stored behind the start is over by then. */
const SETTLED_MS = 3_000;

/** What every bot of this kind has at least. */
const STRAIGHT = `
import bolt from '@slack/bolt';
import '@jupyterlab/services';
const { SLACK_BOT_TOKEN: token, SLACK_APP_TOKEN: appToken, SLACK_API_URL: slackApiUrl } = process.env;
await new bolt.App({ token, appToken, socketMode: true, clientOptions: { slackApiUrl } }).start();
`;

const root = join(import.meta.dirname, '..');
const gateway = await startScriptedGateway();
/** Where Node keeps compiled code is kept over the rounds, as it is on a real machine. */
const temporary = await mkdtemp(join(tmpdir(), 'sparkthread-start-'));

async function start(command: readonly string[]): Promise<{ connectedMs: number; residentMb: number }> {
  await using playground = await startPlayground({ rates: false });
  const folder = await mkdtemp(join(temporary, 'bot-'));
  const since = performance.now();
  const bot = spawn(process.execPath, command, {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      TMPDIR: temporary,
      ...playground.environment,
      KG_URL: gateway.httpUrl,
      STORE_URL: `sqlite:${join(folder, 'sparkthread.db')}`,
      SPOOL_DIR: folder,
      PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    await playground.waitForConnection();
    const connectedMs = performance.now() - since;
    await delay(SETTLED_MS);
    const [, pages = ''] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${bot.pid}/status`, 'utf8')) ?? [];
    return { connectedMs, residentMb: Number(pages) / 1024 };
  } finally {
    bot.kill('SIGTERM');
    await once(bot, 'exit');
  }
}

const ours = [join(root, 'bin/sparkthread.js'), 'start'];
const straight = ['--input-type=module', '-e', STRAIGHT];
const first = await start(ours);
const times = { ours: [] as number[], straight: [] as number[] };
const memory = { ours: [] as number[], straight: [] as number[] };
for (let round = 0; round < rounds; round += 1) {
  for (const [name, command] of [
    ['ours', ours],
    ['straight', straight],
  ] as const) {
    const { connectedMs, residentMb } = await start(command);
    times[name].push(connectedMs);
    memory[name].push(residentMb);
  }
}
await rm(temporary, { recursive: true, force: true });
await gateway.close();
console.log(
  `connected after: ours ${median(times.ours).toFixed(0)} ms (the first time ${first.connectedMs.toFixed(0)} ms), ` +
    `straight ${median(times.straight).toFixed(0)} ms, ratio ${(median(times.ours) / median(times.straight)).toFixed(2)}; ` +
    `at rest: ours ${median(memory.ours).toFixed(0)} MB, straight ${median(memory.straight).toFixed(0)} MB`,
);
