/**
 * Loaded with `--import` into the bot's process by `path-of-a-run.ts`, so that src needs no hook: V8's precise coverage and
 * a record of each statement that node:sqlite is given. Answers `begin` and `end` on the channel to its parent.
 */
import { Session } from 'node:inspector/promises';
import { DatabaseSync, StatementSync } from 'node:sqlite';

export interface StoreStep {
  kind: 'read' | 'write';
  sql: string;
  /** Milliseconds since the epoch, with fractions. */
  atMs: number;
}

export interface PathReport {
  /** By the file's URL, how many of its functions ran. */
  functions: Record<string, number>;
  steps: StoreStep[];
}

let steps: StoreStep[] = [];
let isInTransaction = false;

/** A transaction counts as one write, whatever it contains. */
function note(sql: string): void {
  const [word = ''] = /[a-z]+/i.exec(sql) ?? [];
  if (/^(commit|rollback|pragma)$/i.test(word)) {
    isInTransaction = false;
    return;
  }
  const begins = /^begin$/i.test(word);
  if (isInTransaction && !begins) {
    const last = steps.at(-1);
    if (last !== undefined) last.sql += ` ${sql}`;
    return;
  }
  isInTransaction = begins;
  const atMs = performance.timeOrigin + performance.now();
  steps.push({ kind: /^select$/i.test(word) ? 'read' : 'write', sql, atMs });
}

for (const name of ['run', 'get', 'all'] as const) {
  const original: (this: StatementSync, ...values: never[]) => unknown = StatementSync.prototype[name];
  Object.defineProperty(StatementSync.prototype, name, {
    value(this: StatementSync, ...values: never[]) {
      note(this.sourceSQL);
      return original.apply(this, values);
    },
  });
}
for (const name of ['exec'] as const) {
  const original: (this: DatabaseSync, sql: string) => void = DatabaseSync.prototype[name];
  DatabaseSync.prototype[name] = function noted(this: DatabaseSync, sql: string) {
    note(sql);
    original.call(this, sql);
  };
}

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** The functions that ran since the last call, because V8 resets its counts at each call. */
async function take(): Promise<PathReport> {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const functions: Record<string, number> = {};
  for (const { url, functions: all } of result) {
    const ran = all.filter(({ ranges }) => ranges.some(({ count }) => count > 0)).length;
    if (ran > 0) functions[url] = ran;
  }
  const report = { functions, steps };
  steps = [];
  return report;
}

process.on('message', (word) => {
  void take().then((report) => process.send?.(word === 'end' ? report : 'begun'));
});
process.channel?.unref();
