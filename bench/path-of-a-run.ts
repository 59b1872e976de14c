import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPlayground } from '../playground/playground.ts';
import { askSlash } from '../test/support/ask.ts';
import { startScriptedGateway } from '../test/support/scripted-gateway.ts';
import type { PathReport } from './path-preload.ts';

/**
 * What one `/spark 1+1` on a warm kernel passes through: a real bot with an SQLite store, the local Slack and the
 * scripted gateway. Prints the files and functions of src that ran, by folder, and the store's reads and writes, those
 * before the kernel had the code apart.
 *
 *   node bench/path-of-a-run.ts
 */

const WARM_UP_RUNS = 5;
/** By then everything that is written after the answer, and the timers of the last run, are done. */
const SETTLED_MS = 1_500;

const root = fileURLToPath(new URL('../', import.meta.url));

await using playground = await startPlayground({ rates: false });
const gateway = await startScriptedGateway();
let executedAtMs = 0;
gateway.onStart = (kernel) => {
  kernel.onExecute = (request) => {
    executedAtMs = performance.timeOrigin + performance.now();
    kernel.run(request, '2');
  };
};
const folder = await mkdtemp(join(tmpdir(), 'sparkthread-path-'));
const bot = spawn(
  process.execPath,
  ['--import', join(root, 'bench/path-preload.ts'), join(root, 'src/main.ts')],
  {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...playground.environment,
      KG_URL: gateway.httpUrl,
      STORE_URL: `sqlite:${join(folder, 'sparkthread.db')}`,
      PORT: '0',
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  },
);
const ended = once(bot, 'exit');
try {
  await playground.waitForConnection();
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await askSlash(playground, 'ana', '#data', '/spark 1+1');
  await delay(SETTLED_MS);

  await tell('begin');
  const { outcome } = await askSlash(playground, 'ana', '#data', '/spark 1+1');
  await delay(SETTLED_MS);
  const report = await tell('end');
  console.log(`one /spark 1+1, outcome ${outcome}\n`);
  printFunctions(report);
  printSteps(report);
} finally {
  bot.kill('SIGTERM');
  await ended;
  await gateway.close();
  await rm(folder, { recursive: true });
}

async function tell(word: 'begin' | 'end'): Promise<PathReport> {
  const answered = new Promise<PathReport>((resolve) => {
    bot.once('message', (report: PathReport) => resolve(report));
  });
  bot.send(word);
  return await answered;
}

function printFunctions({ functions }: PathReport): void {
  const ran = Object.entries(functions)
    .filter(([url]) => url.startsWith('file:'))
    .map(([url, count]) => ({ file: relative(root, fileURLToPath(url)), count }))
    .filter(({ file }) => file.startsWith('src/'))
    .toSorted((a, b) => a.file.localeCompare(b.file));
  const sum = (some: typeof ran): number => some.reduce((total, { count }) => total + count, 0);
  for (const [place, files = []] of Object.entries(Object.groupBy(ran, ({ file }) => dirname(file)))) {
    console.log(`${place}: ${files.length} files, ${sum(files)} functions`);
    console.log(`  ${files.map(({ file, count }) => `${file.slice(place.length + 1)} ${count}`).join(', ')}`);
  }
  console.log(`\nsrc: ${ran.length} files, ${sum(ran)} functions`);
}

function printSteps({ steps }: PathReport): void {
  const count = (kind: string, some = steps): number => some.filter((step) => step.kind === kind).length;
  const before = steps.filter(({ atMs }) => atMs < executedAtMs);
  console.log(`store: ${count('read')} reads, ${count('write')} writes`);
  console.log(
    `before the kernel had the code: ${count('read', before)} reads, ${count('write', before)} writes`,
  );
  for (const { kind, sql, atMs } of steps) {
    const words = sql.replaceAll(/\s+/g, ' ').slice(0, 90);
    console.log(`  ${(atMs - executedAtMs).toFixed(0).padStart(6)} ms  ${kind.padEnd(5)}  ${words}`);
  }
}
