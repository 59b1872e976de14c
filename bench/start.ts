import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import packageJson from '../package.json' with { type: 'json' };
import { startPlayground } from '../playground/playground.ts';
import { startScriptedGateway } from '../test/support/scripted-gateway.ts';
import { median } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * From the start of the process to its connection with Slack, and its memory a little later, in turns: the whole bot
 * as `npm start` starts it (npm itself left out), built and from the source, against a Bolt app that has loaded
 * @jupyterlab/services; on the scripted gateway. Prints of each the first start (nothing compiled yet), the median of
 * the others, its ratio to the straight bot's, and the resident memory at rest.
 *
 *   node bench/start.ts [rounds=10]
 */

const rounds = givenNumber(0, 10, 'node bench/start.ts [rounds=10]');
/** By then everything that is compiled and stored after the start is done. */
const SETTLED_MS = 3_000;

/** What every bot of this kind has at least. */
const STRAIGHT = `
import bolt from '@slack/bolt';
import '@jupyterlab/services';
const { SLACK_BOT_TOKEN: token, SLACK_APP_TOKEN: appToken, SLACK_API_URL: slackApiUrl } = process.env;
await new bolt.App({ token, appToken, socketMode: true, clientOptions: { slackApiUrl } }).start();
`;

interface Measured {
  connectedMs: number;
  /** The resident memory, and the part that is the process's own (the rest is Node's program file). */
  residentMb: number;
  ownMb: number;
}

const root = join(import.meta.dirname, '..');
const gateway = await startScriptedGateway();
/** The folder of compiled code is kept over the rounds, as on a real machine. */
const temporary = await mkdtemp(join(tmpdir(), 'sparkthread-start-'));

async function start([program = '', ...args]: readonly string[]): Promise<Measured> {
  await using playground = await startPlayground({ rates: false });
  const folder = await mkdtemp(join(temporary, 'bot-'));
  const since = performance.now();
  const bot = spawn(program, args, {
    cwd: root,
    env: {
      // `node` is the one that runs this.
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
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
    const status = await readFile(`/proc/${bot.pid}/status`, 'utf8');
    const megabytes = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { connectedMs, residentMb: megabytes('VmRSS'), ownMb: megabytes('RssAnon') };
  } finally {
    bot.kill('SIGTERM');
    await once(bot, 'exit');
  }
}

async function run(command: readonly string[]): Promise<void> {
  const [program = '', ...args] = command;
  const [code] = await once(spawn(program, args, { cwd: root, stdio: 'inherit' }), 'exit');
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}`);
}

/** Each line is the shell's, as npm gives it over. */
const shell = (line: string): string[] => ['/bin/sh', '-c', line];
const npmStart = packageJson.scripts.start;
const sides = [
  { name: 'npm start', command: shell(npmStart) },
  {
    name: 'npm start, not built',
    // What the entry chooses where nothing is built; it would keep what is compiled, too.
    command: shell(
      `NODE_COMPILE_CACHE=${temporary}/source ${npmStart.replace('bin/sparkthread.js start', 'src/main.ts')}`,
    ),
  },
  { name: 'straight bot', command: [process.execPath, '--input-type=module', '-e', STRAIGHT] },
].map((side) => ({ ...side, measured: [] as Measured[] }));

await run([process.execPath, 'bin/sparkthread.js', 'build']);
for (let round = 0; round <= rounds; round += 1)
  for (const { command, measured } of sides) measured.push(await start(command));
await rm(temporary, { recursive: true, force: true });
await gateway.close();

const middle = (measured: readonly Measured[], key: keyof Measured): number =>
  median(measured.slice(1).map((each) => each[key]));
const straightMs = middle(sides.at(-1)?.measured ?? [], 'connectedMs');
console.log(`${rounds} rounds\n| | first start | connected after | ratio | at rest | of it its own |`);
console.log('|---|---|---|---|---|---|');
for (const { name, measured } of sides) {
  const connectedMs = middle(measured, 'connectedMs');
  const cells = [
    `${measured[0]?.connectedMs.toFixed(0)} ms`,
    `${connectedMs.toFixed(0)} ms`,
    (connectedMs / straightMs).toFixed(2),
    `${middle(measured, 'residentMb').toFixed(1)} MB`,
    `${middle(measured, 'ownMb').toFixed(1)} MB`,
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
