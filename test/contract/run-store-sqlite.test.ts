import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ledgerContract } from './run-store-contract.ts';
import { playOnBoth, steps } from './run-store-model.ts';
import { newRun, type Note } from './new-run.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
let files = 0;
const newUrl = () => `sqlite:${join(folder, `${(files += 1)}.db`)}`;
const open = async (url: string, lockWaitMs = 0) => openStore<Note>({ url, log: silentLog, lockWaitMs });
const openEmpty = async () => (await open(newUrl())).ledger;

ledgerContract('SQLite', { openEmpty, leaseEnd: async (_ledger, _name, nowMs, ttlMs) => nowMs + ttlMs });

test('the SQLite ledger does what the model does, and still after it was opened again', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (played) => {
      const url = newUrl();
      const first = await open(url);
      await playOnBoth(first.ledger, played);
      const before = await first.ledger.unposted();
      await first.close();
      const second = await open(url);
      expect(await second.ledger.unposted()).toEqual(before);
      await second.close();
    }),
    { numRuns: 20 },
  );
});

const script = fileURLToPath(new URL('sqlite-child.ts', import.meta.url));

test('a change that the disk has no room for is refused, and what was confirmed before is kept', async () => {
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
  const startChild = (url: string, mode: 'hold' | 'admit') => {
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
      const child = startChild(url, 'admit');
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
      const store = await open(url);
      const { ledger } = store;
      const kept = await ledger.unposted();
      const keptIds = kept.map((run) => run.id);
      // A run whose confirmation did not get out may be there; each kill leaves at most one of these.
      const confirmedSet = new Set(confirmed);
      expect(keptIds.filter((id) => confirmedSet.has(id))).toEqual(confirmed);
      expect(keptIds.length - confirmed.length).toBeLessThanOrEqual(3);
      expect(new Set(keptIds).size).toBe(keptIds.length);
      expect(kept.filter((run) => sending.has(run.id) && run.state !== 'sending')).toEqual([]);
      for (const runId of confirmed) {
        const again = await ledger.admit(`delivery of ${runId}`, newRun(), { perLane: 0, perRunner: 0 });
        expect(again).toEqual({ kind: 'duplicate', runId });
      }
      await store.close();
    }
    expect(confirmed.length).toBeGreaterThan(100);
  });

  test('while it lives a second one is told that it holds the file; then the second gets it', async () => {
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
    await store.ledger.ping();
    await store.close();
  });
});

test('the file is held against this same process too, until it is closed', async () => {
  const url = newUrl();
  const first = await open(url);
  await expect(open(url)).rejects.toMatchObject({ code: 'locked' });
  await first.ledger.claim('still writable', 1);
  await first.close();
  const second = await open(url);
  expect(await second.ledger.findDelivery('still writable')).toBe('');
  await second.close();
});

test('leases do not outlive the process that held the file', async () => {
  const url = newUrl();
  const first = await open(url);
  await first.ledger.lease('kernel', 'a', 60_000, 1_000);
  await first.close();
  const second = await open(url);
  expect(await second.ledger.lease('kernel', 'b', 60_000, 1_001)).toMatchObject({ owner: 'b' });
  await second.close();
});
