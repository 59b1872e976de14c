import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { openStore } from '../../../../src/store/open.ts';
import { createRunReader } from '../../../../src/store/run-reader.ts';
import { openSqliteFile, openSqliteMemory } from '../../../../src/store/sqlite/database.ts';
import { createSqliteStore, prepareRuns } from '../../../../src/store/sqlite/store.ts';
import { newRun, type Note } from '../../../contract/new-run.ts';
import { temporaryFolder } from '../../../contract/temporary-folder.ts';

const folder = temporaryFolder();
const open = async (url: string) => openStore({ url, log: silentLog, lockWaitMs: 0 });

describe('a new file', () => {
  test('is created with its folders, readable only by its owner, and so is its log', async () => {
    const file = join(folder, 'a', 'b', 'store.db');
    const store = await open(`sqlite:${file}`);
    await store.lease.acquire(60_000);
    await store.runs.markSeen('d', 1);
    for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'a', 'b')).mode & 0o077).toBe(0);
    expect(store.kind).toBe('sqlite');
    await store.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});

test('a commit survives the process without waiting for the disk', async () => {
  const db = await openSqliteFile(join(folder, 'pragmas.db'), 0);
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {});
  expect([pragma('journal_mode'), pragma('synchronous'), pragma('locking_mode')]).toEqual([
    ['wal'],
    [1],
    ['exclusive'],
  ]);
  db.close();
});

describe('a file that cannot be used is refused with a sentence and left as it is', () => {
  test('written by a newer version', async () => {
    const file = join(folder, 'newer.db');
    await (await open(`sqlite:${file}`)).close();
    withDatabase(file, (db) => db.exec('PRAGMA user_version = 99'));
    await expect(open(`sqlite:${file}`)).rejects.toMatchObject({
      code: 'newer',
      message: expect.stringMatching(/newer\.db was written by a newer Sparkthread .*version 99/),
    });
    withDatabase(file, (db) => expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 }));
  });

  test('of another program', async () => {
    const file = join(folder, 'foreign.db');
    withDatabase(file, (db) => db.exec('CREATE TABLE runs (theirs)'));
    await expect(open(`sqlite:${file}`)).rejects.toMatchObject({
      message: expect.stringMatching(/another program/),
    });
    withDatabase(file, (db) =>
      expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'runs' }]),
    );
  });

  test('damaged behind its first page', async () => {
    const file = join(folder, 'damaged.db');
    await (await open(`sqlite:${file}`)).close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 2 * 4_096));
    await expect(open(`sqlite:${file}`)).rejects.toMatchObject({
      name: 'StoreError',
      code: 'refused',
      message: expect.stringMatching(/malformed/),
    });
  });

  test.skipIf(process.getuid?.() === 0)('one that may not be written', async () => {
    const file = join(folder, 'read-only.db');
    await (await open(`sqlite:${file}`)).close();
    chmodSync(file, 0o400);
    await expect(open(`sqlite:${file}`)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/read-only\.db cannot be used as a store: EACCES/),
    });
  });

  test('no database at all', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'buy milk, '.repeat(1_000));
    await expect(open(`sqlite:${file}`)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/notes\.txt cannot be used as a store: file is not a database/),
    });
  });

  test('a folder, a path below a file, and a place that takes no folders', async () => {
    mkdirSync(join(folder, 'folder.db'));
    writeFileSync(join(folder, 'file'), '');
    for (const path of [join(folder, 'folder.db'), join(folder, 'file/store.db'), '/proc/none/store.db']) {
      await expect(open(`sqlite:${path}`)).rejects.toMatchObject({
        name: 'StoreError',
        code: 'refused',
      });
    }
  });
});

test.each(['', 'sqlite:', 'postgres://u:geheim@h/db', 'data/sparkthread.db'])(
  'the address %j is refused without repeating it',
  async (url) => {
    const refusal: unknown = await open(url).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'StoreError', code: 'refused' });
    expect(String(refusal)).not.toContain('geheim');
  },
);

test('on a full disk a write is refused as a whole, and goes on when there is room again', async () => {
  const db = await openSqliteFile(join(folder, 'full.db'), 0);
  const store = createSqliteStore<Note>('sqlite', db, createRunReader(silentLog), silentLog);
  await store.lease.acquire(60_000);
  const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
  db.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const run = newRun({ code: ['x'.repeat(100_000)] });
  await expect(store.runs.accept('d', run)).rejects.toMatchObject({
    name: 'StoreError',
    code: 'refused',
    message: expect.stringMatching(/disk is full/),
  });
  expect(await store.runs.findRequest('d')).toBeUndefined();
  expect(await store.runs.get(run.id)).toBeUndefined();
  db.exec('PRAGMA max_page_count = 100000');
  expect(await store.runs.accept('d', run)).toMatchObject({ kind: 'accepted' });
  await store.close();
});

test('every statement of the run store finds its rows by an index and sorts nothing', () => {
  const db = openSqliteMemory();
  const plans = Object.entries(prepareRuns(db)).map(([name, { sourceSQL }]) => {
    const steps = db
      .prepare(`EXPLAIN QUERY PLAN ${sourceSQL}`)
      .all()
      .map((step) => String(step['detail']));
    return {
      name,
      bad: steps.filter((step) =>
        /TEMP B-TREE|^SCAN (?!CONSTANT ROW|runs USING INDEX runs_unposted)/.test(step),
      ),
      steps,
    };
  });
  expect(plans.filter(({ bad }) => bad.length > 0)).toEqual([]);
  expect(plans.some(({ steps }) => steps.some((step) => step.includes('runs_thread')))).toBe(true);
  db.close();
});

function withDatabase(file: string, use: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file);
  use(db);
  db.close();
}
