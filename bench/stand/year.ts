/**
 * A simulated year with a clock that is moved by hand: runs over many channels, kernels that the gateway culls unseen,
 * requests that make no run, idle times, retention. `node --expose-gc bench/stand/year.ts [days=365] [channels=1000]
 * [runsADay=60]`. Prints once a month what memory, store and disk hold. Goal: nothing grows with the number of days.
 *
 * What is kept, and for how long:
 *
 * | what | where | until |
 * |---|---|---|
 * | run, code | store | KEEP_RUNS after its last change, once posted |
 * | request keys | store | 7 days |
 * | a channel's choices | store, memory | changed |
 * | a kernel's record | store, memory | the kernel ends, or is found gone: at the latest when it idles, or in a day |
 * | the loss that the next run tells | store | that run, or 30 days; memory: that run, or the process's end |
 * | output of a run | disk | its answer is posted and the websocket closed, which is 3 min after the last run |
 * | the last 20 ended runs of a kernel | memory | the websocket is closed |
 * | drafts of modals | store | 1 hour |
 * | people, channels, memberships | memory | 1 min, 10 min, 10 s; 5,000, 5,000 and 200 of them |
 * | requests seen, channels with runs | memory | 1,000 and 5,000 of them |
 * | ids of messages, ended executions | memory, a websocket | 500 and 200 of them |
 */
import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { givenNumber } from '../given-number.ts';
import { startFakeClock } from './fake-clock.ts';

const usage = 'node bench/stand/year.ts [days=365] [channels=1000] [runsADay=60]';
const days = givenNumber(0, 365, usage);
const channels = givenNumber(1, 1_000, usage);
const runsADay = givenNumber(2, 60, usage);
const HOUR_MS = 3_600_000;
const EVENTS_A_DAY = 300;
const CULLED_A_DAY = 10;
const KEEP_RUNS_MS = 30 * 24 * HOUR_MS;

const clock = startFakeClock();
const { startYear } = await import('./year-bot.ts');
const folder = await mkdtemp(join(tmpdir(), 'sparkthread-year-'));
const bot = await startYear({ folder, keepRunsMs: KEEP_RUNS_MS, idleTimeoutMs: 12 * HOUR_MS });
const file = join(folder, 'sparkthread.db');

/** So that each year is the same. */
let seed = 1;
function random(below: number): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed % below;
}

console.log('day   runs  heap MB  db MB  stored runs  requests  entries  sessions  kernels  spooled');
for (let day = 1; day <= days; day += 1) {
  for (let n = 0; n < runsADay; n += 1) {
    await bot.run(`C${random(channels)}`, `U${random(50)}`);
    await clock.advance((12 * HOUR_MS) / runsADay);
  }
  for (let n = 0; n < EVENTS_A_DAY; n += 1) await bot.event(`event/${day}/${n}`);
  for (let n = 0; n < CULLED_A_DAY; n += 1) bot.cull(random(1_000));
  for (let hour = 0; hour < 12; hour += 1) await clock.advance(HOUR_MS);
  if (day % 30 === 0 || day === days) await print(day);
}
await bot.close();
await rm(folder, { recursive: true });

async function print(day: number): Promise<void> {
  Reflect.get(globalThis, 'gc')?.();
  const heap = (process.memoryUsage().heapUsed / 1e6).toFixed(1);
  const size = ((await stat(file)).size / 1e6).toFixed(1);
  // The bot's own connection has the file to itself.
  const copy = join(folder, 'copy.db');
  for (const end of ['', '-wal']) await copyFile(file + end, copy + end).catch(() => undefined);
  const db = new DatabaseSync(copy);
  const count = (table: string): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
  const stored = [count('runs'), count('requests'), count('keyv')];
  db.close();
  for (const end of ['', '-wal', '-shm']) await rm(copy + end, { force: true });
  const spooled = (await readdir(join(folder, 'spool')).catch(() => [])).length;
  const row = [day, bot.runs(), heap, size, ...stored, bot.sessions(), bot.kernels(), spooled];
  console.log(
    row.map((each, at) => String(each).padStart([3, 6, 8, 6, 12, 9, 8, 9, 8, 8][at] ?? 8)).join(' '),
  );
}
