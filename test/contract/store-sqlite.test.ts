import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { createRunReader } from '../../src/store/run-reader.ts';
import { openSqliteFile } from '../../src/store/sqlite/database.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { accepted, at, newRun, type Note } from './new-run.ts';
import { storeContract } from './store-contract.ts';
import { playOnBoth, steps } from './store-model.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
let files = 0;
const newPath = () => join(folder, `${(files += 1)}.db`);
const newUrl = () => `sqlite:${newPath()}`;
const open = async (url: string, lockWaitMs = 0) => openStore<Note>({ url, log: silentLog, lockWaitMs });
const lead = async (url: string, lockWaitMs = 0) => {
  const store = await open(url, lockWaitMs);
  await store.lease.acquire(60_000);
  return store;
};

let db = await openSqliteFile(newPath(), 0);
const openAgain = async () => createSqliteStore<Note>('sqlite', db, createRunReader(silentLog), silentLog);
storeContract('SQLite', {
  openEmpty: async () => {
    if (db.isOpen) db.close();
    db = await openSqliteFile(newPath(), 0);
    return openAgain();
  },
  openSecond: openAgain,
});

test('the SQLite store does what the model does, and still after it was opened again', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (played) => {
      const url = newUrl();
      const first = await lead(url);
      await playOnBoth(first.runs, played);
      const before = await first.runs.unposted();
      await first.close();
      const second = await open(url);
      expect(await second.runs.unposted()).toEqual(before);
      await second.close();
    }),
    { numRuns: 20 },
  );
});

const script = fileURLToPath(new URL('sqlite-child.ts', import.meta.url));

test('a change without room on the disk is refused, and confirmed changes are kept', async () => {
  // A limit on the size of files stands for the full disk.
  const limited = ['-c', 'ulimit -f 400; exec "$0" "$@"', process.execPath, script, newUrl(), 'fill'];
  const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(await text(child.stdout)).toMatch(/^open\nSQLite: .+\n$/);
});

type Child = ChildProcessByStdio<null, Readable, null>;

async function kill(child: Child): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

describe('a process that is killed', () => {
  const children: Child[] = [];
  const startChild = (url: string, mode: 'hold' | 'accept') => {
    const child = spawn(process.execPath, [script, url, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  afterEach(async () => {
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) await kill(child);
  });

  test('leaves all that was confirmed, nothing twice, and no lock behind', async () => {
    const url = newUrl();
    const confirmed: string[] = [];
    const sending = new Set<string>();
    for (const enough of [1, 40, 400]) {
      const child = startChild(url, 'accept');
      const lines = createInterface({ input: child.stdout });
      const closed = once(child, 'close');
      let said = 0;
      lines.on('line', (line) => {
        const [id = '', state] = line.split(' ');
        if (state === 'sending') sending.add(id);
        else if (id !== 'open') confirmed.push(id);
        said += 1;
        if (said === enough) child.kill('SIGKILL');
      });
      await closed;
      const store = await lead(url);
      const { runs } = store;
      const stored = await runs.unposted();
      const storedIds = stored.map((run) => run.id);
      // A run whose confirmation did not get out may be there; each kill leaves at most one of these.
      const confirmedSet = new Set(confirmed);
      expect(storedIds.filter((id) => confirmedSet.has(id))).toEqual(confirmed);
      expect(storedIds.length - confirmed.length).toBeLessThanOrEqual(3);
      expect(new Set(storedIds).size).toBe(storedIds.length);
      expect(stored.filter((run) => sending.has(run.id) && run.state !== 'sending')).toEqual([]);
      for (const runId of confirmed) {
        expect(await runs.code(runId)).toEqual(newRun().code);
        const again = await runs.accept(`request of ${runId}`, newRun());
        expect(again).toEqual({ kind: 'duplicate', runId });
      }
      await store.close();
    }
    expect(confirmed.length).toBeGreaterThan(100);
  });

  test('while it runs a second one is refused; after its end the second one gets the file', async () => {
    const url = newUrl();
    const child = startChild(url, 'hold');
    await once(createInterface({ input: child.stdout }), 'line');
    let turns = 0;
    const ticking = setInterval(() => (turns += 1), 10);
    await expect(open(url, 400)).rejects.toMatchObject({
      name: 'StoreError',
      code: 'locked',
      message: expect.stringMatching(/is held by another process/),
    });
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(3);
    const waiting = open(url, 60_000);
    await kill(child);
    const store = await waiting;
    await store.runs.ping();
    await store.close();
  });
});

test('the file is held against this same process too, until it is closed', async () => {
  const url = newUrl();
  const first = await lead(url);
  await expect(open(url)).rejects.toMatchObject({ code: 'locked' });
  await first.runs.markSeen('still writable', 1);
  await first.close();
  const second = await open(url);
  expect(await second.runs.findRequest('still writable')).toBe('');
  await second.close();
});

test('the lease does not outlive the process that held the file, and its epochs go on', async () => {
  const url = newUrl();
  const first = await open(url);
  expect(await first.lease.acquire(60_000)).toEqual({ kind: 'held', epoch: 1 });
  await first.close();
  const second = await open(url);
  expect(await second.lease.acquire(60_000)).toEqual({ kind: 'held', epoch: 2 });
  await second.close();
});

test('code that was erased is in no byte of the file, nor of its log', async () => {
  const path = newPath();
  const store = await lead(`sqlite:${path}`);
  const { runs } = store;
  const marker = 'the code of somebody';
  const bytes = () =>
    Buffer.concat([path, `${path}-wal`].map((file) => readFileSync(file))).toString('latin1');
  const [removed, withdrawn, purged, emptied] = await Promise.all(
    ['r', 'w', 'p', 'e'].map((id) =>
      accepted(runs, { id, code: [`${marker} `.repeat(5_000)] }, `request of ${id}`),
    ),
  );
  expect(bytes()).toContain(marker);
  if (!removed || !withdrawn || !purged || !emptied) throw new Error('four were accepted');
  await runs.remove(removed.id);
  await runs.withdraw(withdrawn.id, `request of ${withdrawn.id}`);
  await runs.save({ ...purged, state: 'posted' });
  await runs.purge({ runsBefore: at + 1, requestsBefore: at });
  await runs.save(emptied, []);
  expect(bytes()).not.toContain(marker);
  await store.close();
});

test('60 runs with 5 MB of code each leave nothing once they are erased, and their room is used again', async () => {
  const path = newPath();
  const store = await lead(`sqlite:${path}`);
  const { runs } = store;
  const code = ['x'.repeat(5_000_000)];
  for (let index = 0; index < 60; index += 1) {
    const run = await accepted(runs, { code });
    await runs.save({ ...run, state: 'posted' });
    expect((await runs.purge({ runsBefore: at + 1, requestsBefore: at + 1 })).ids).toEqual([run.id]);
  }
  const size = [path, `${path}-wal`].reduce((sum, file) => sum + statSync(file).size, 0);
  expect(size).toBeLessThan(12_000_000);
  await store.close();
});
