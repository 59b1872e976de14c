import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import { createBackups } from '../../src/store/sqlite/backup.ts';
import { accepted, newRun, type Note } from './new-run.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Of so many some begin a step while this process writes. */
const BACKUPS = 12;
/** More than a copy takes. Without an end a slow backup would have ever more to copy. */
const WRITES = 300;

const run = promisify(execFile);
const folder = temporaryFolder();
let folders = 0;

/** A store in a folder of its own, which this process leads. */
async function lead() {
  const path = join(folder, `${(folders += 1)}`, 'sparkthread.db');
  const store = await openStore<Note>({ url: `sqlite:${path}`, log: silentLog, lockWaitMs: 0 });
  await store.lease.acquire(60_000);
  const backUp = async () => (await store.backUp?.()) ?? expect.fail('no backup');
  return { store, path, backUp };
}

/** What is in a backup, opened as the store that it is. */
async function readBackup(path: string) {
  const store = await openStore<Note>({ url: `sqlite:${path}`, log: silentLog, lockWaitMs: 0 });
  const runs = await store.runs.unposted();
  const codes = await Promise.all(runs.map(({ id }) => store.runs.code(id)));
  const kernel: unknown = await store.keyv('kernel').get('T1/C1');
  await store.close();
  return { runs, codes, kernel };
}

test('a backup holds all that was stored, is for its owner only, and leaves nothing beside it', async () => {
  const { store, path, backUp } = await lead();
  await store.runs.accept('T1/a', newRun({ id: 'a', code: ['print("ä")'] }));
  await store.keyv('kernel').set('T1/C1', { id: 'k1' });
  const { path: written, bytes, durationMs } = await backUp();
  expect(written).toBe(`${path}.backup`);
  expect(await stat(written)).toMatchObject({
    size: bytes,
    mode: expect.toSatisfy((mode: number) => (mode & 0o777) === 0o600),
  });
  expect(durationMs).toBeGreaterThan(0);
  expect(readdirSync(dirname(path)).filter((name) => name.includes('backup'))).toEqual([
    'sparkthread.db.backup',
  ]);
  const { runs, codes, kernel } = await readBackup(written);
  expect(runs.map(({ id }) => id)).toEqual(['a']);
  expect(codes).toEqual([['print("ä")']]);
  expect(kernel).toEqual({ id: 'k1' });
  await store.close();
});

test('a run that waits is in the backup as one of which it is not known whether it ran', async () => {
  const { store, backUp } = await lead();
  const waiting = await accepted(store.runs, newRun({ id: 'waiting' }));
  const running = await accepted(store.runs, newRun({ id: 'running' }));
  await store.runs.save({ ...running, state: 'running' });
  const { path } = await backUp();
  const states = (await readBackup(path)).runs.map(({ id, state }) => [id, state]);
  expect(states).toEqual([
    ['waiting', 'sending'],
    ['running', 'running'],
  ]);
  expect((await store.runs.get(waiting.id))?.state).toBe('waiting');
  await store.close();
});

test('what is written meanwhile is confirmed as ever, and the backup is whole', async () => {
  const { store, backUp } = await lead();
  const code = ['x'.repeat(50_000)];
  for (let n = 0; n < 100; n += 1)
    await store.runs.accept(`T1/before${n}`, newRun({ id: `before${n}`, code }));
  let during = 0;
  let path = '';
  for (let nth = 0; nth < BACKUPS; nth += 1) {
    const done = new AbortController();
    const backingUp = backUp().finally(() => done.abort());
    const last = during + WRITES;
    for (; during < last && !done.signal.aborted; during += 1) {
      await store.runs.accept(`T1/during${during}`, newRun({ id: `during${during}`, code: ['short'] }));
      // Erasing cuts the log of writes, which is what a copy must be spared.
      if (during % 10 === 0) await store.runs.remove(`during${during}`);
      await nextTurn();
    }
    ({ path } = await backingUp);
  }
  expect((await store.runs.unposted()).length).toBe(100 + during - Math.ceil(during / 10));
  const { runs, codes } = await readBackup(path);
  expect(runs.filter(({ id }) => id.startsWith('before')).length).toBe(100);
  expect(codes.filter((blocks) => blocks === undefined)).toEqual([]);
  await store.close();
});

test('the file stays held after a backup', async () => {
  const { store, path, backUp } = await lead();
  await backUp();
  const opened = `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(path)}, { timeout: 0 }).exec('BEGIN IMMEDIATE')`;
  await expect(run(process.execPath, ['-e', opened])).rejects.toMatchObject({
    stderr: expect.stringContaining('database is locked'),
  });
  await store.close();
  await run(process.execPath, ['-e', opened]);
});

test('the next one takes its place, and nothing that was erased is in it', async () => {
  const { store, backUp } = await lead();
  const secret = 'erased before the backup';
  await store.runs.accept('T1/a', newRun({ id: 'a', code: [secret] }));
  const { path } = await backUp();
  expect(await readFile(path, 'latin1')).toContain(secret);
  await store.runs.withdraw('a', 'T1/a');
  await backUp();
  expect(await readFile(path, 'latin1')).not.toContain(secret);
  await store.close();
});

test('one that fails leaves the one before, and says why', async () => {
  const { store, path, backUp } = await lead();
  const { path: written } = await backUp();
  const before = await readFile(written);
  // A folder in the way, where its own file should be.
  await mkdir(join(`${path}.backup-copy`, 'in the way'), { recursive: true });
  await expect(backUp()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining(path) });
  expect(await readFile(written)).toEqual(before);
  await rm(`${path}.backup-copy`, { recursive: true });
  await chmod(written, 0o400);
  await backUp();
  await store.close();
});

test('each call is logged: made, refused while one is under way, failed, and needless', async () => {
  const said: string[] = [];
  const note = ({ event }: { event: string }) => void said.push(event);
  const log = Object.assign(Object.create(silentLog), { info: note, warn: note, error: note });
  const { store } = await lead();
  const backUp = createBackups(store, log);
  await Promise.all([backUp(), backUp()]);
  await store.close();
  await backUp();
  await createBackups({ kind: 'redis' }, log)();
  expect(said).toEqual(['backup.busy', 'backup.made', 'backup.failed', 'backup.needless']);
});
