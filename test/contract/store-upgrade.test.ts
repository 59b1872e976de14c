import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { newRun } from './new-run.ts';
import { withRedis } from './redis.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Stores as 0.1.0 left them; its own code wrote them. */
const fixture = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../fixtures/stores/${name}`, import.meta.url)), 'utf8');
const folder = temporaryFolder();
const code = ['print("ä🚀")', 'x'.repeat(300)];

/** A run of the fixture in the words of this version. */
const upgraded = (requestKey: string) => ({
  kernelspec: 'python3',
  edition: 2,
  needsRoot: true,
  block: 1,
  notes: ['a note'],
  source: 'slash',
  word: 'py',
  language: 'python',
  requestKey,
  message: 'T1/C1/1790000000.000100',
  editedTs: '1790000001.000200',
  follows: '00000000-0000-4000-8000-000000000009',
  attended: false,
  messageTs: '1790000002.000300',
  files: ['F1'],
  replies: ['1790000003.000400'],
  request: {
    msgId: 'm1',
    kernelId: 'k1',
    sessionId: 's1',
    process: 'p1',
    checkpoint: {
      isWritten: true,
      received: { ids: ['a'] },
      possibleGap: false,
      keptBytes: 12,
      keptParts: 1,
    },
  },
  startedAt: 1_790_000_000_005,
  executionCount: 3,
  inputRequest: { id: 'i1', prompt: 'Name? ', password: false },
  erased: true,
  stoppedBy: 'U2',
  switchAskedAt: 1_790_000_000_006,
  switchAgreedBy: 'U1',
  kept: { keptBytes: 12, keptParts: 1 },
  preview: code.join('\n\n').slice(0, 200),
  codeLength: 314,
  codeSha256: createHash('sha256').update(code.join('\n\n')).digest('hex'),
  blockCount: 2,
});

async function expectUpgraded(store: Store<unknown>): Promise<void> {
  const { runs } = store;
  const unposted = await runs.unposted();
  expect(unposted.map(({ id, state, order }) => [order, id, state])).toEqual([
    [1, 'waiting', 'waiting'],
    [2, 'sending', 'sending'],
    [3, 'sent', 'running'],
    [4, 'ended', 'ended'],
    [7, 'bare', 'waiting'],
    [8, 'torn', 'waiting'],
  ]);
  expect(unposted[2]).toEqual({
    id: 'sent',
    workspace: 'T1',
    channel: 'C1',
    thread: '1790000000.000100',
    queue: 'T1/C1',
    requester: 'U1',
    state: 'running',
    order: 3,
    createdAt: 1_790_000_000_002,
    updatedAt: 1_790_000_000_102,
    data: upgraded('T1/sent'),
  });
  expect(unposted[4]?.data).toMatchObject({ source: 'mention', preview: '', codeLength: 0, blockCount: 0 });
  // What cannot be read stays what it was, and is for `readData` to judge.
  expect(unposted[5]?.data).toBeUndefined();
  const outcome = { kind: 'ok', durationMs: 5, kernelspec: 'python3' };
  expect((await runs.get('posted'))?.data).toEqual({ ...upgraded('T1/posted'), outcome });
  expect(await runs.code('sent')).toEqual(code);
  expect(await runs.code('bare')).toEqual([]);
  expect((await runs.newest('thread', ['T1', 'C1', '1790000000.000100'], 9)).map(({ id }) => id)).toEqual([
    'bare',
    'posted',
    'sent',
  ]);
  expect((await runs.newest('channel', ['T1', 'C2'], 9)).map(({ id }) => id)).toEqual([
    'torn',
    'ended',
    'sending',
  ]);
  expect((await runs.newest('requester', ['T1', 'U2'], 9)).map(({ id }) => id)).toEqual(['ended']);
  // Requests stay known, also of what is erased, and orders that were given out are not given out again.
  expect(await runs.findRequest('T1/press')).toBe('');
  for (const id of ['waiting', 'erased', 'torn', 'last']) {
    expect(await runs.accept(`T1/${id}`, newRun())).toEqual({ kind: 'duplicate', runId: id });
  }
  expect(await runs.accept('new', newRun())).toEqual({ kind: 'accepted', order: 10 });
  const { ids } = await runs.purge({ runsBefore: 1_790_000_000_200, requestsBefore: 1 });
  expect(ids).toEqual(['posted']);
  expect(await store.keyv('kernel').get(['T1/C1', 'a::b'])).toEqual([{ id: 'k1' }, { id: 'k2' }]);
  expect(await store.keyv('channel').get('T1/C1')).toEqual({ auto: true });
  const drafts = [];
  for await (const entry of store.keyv('draft').iterator?.(undefined) ?? []) drafts.push(entry);
  expect(drafts).toEqual([['T1/U1', { text: 'draft' }]]);
}

describe('a store of 0.1.0 in SQLite', () => {
  const write = (name: string): string => {
    const path = join(folder, name);
    const db = new DatabaseSync(path);
    db.exec(`BEGIN; ${fixture('version-1.sql')} COMMIT;`);
    db.close();
    return path;
  };

  test('is brought to this version when it is opened, and is it at the next opening', async () => {
    const path = write('old.db');
    for (let opening = 0; opening < 2; opening += 1) {
      const store = await openStore({ url: `sqlite:${path}`, log: silentLog });
      await store.lease.acquire(60_000);
      if (opening === 0) await expectUpgraded(store);
      else expect(await store.runs.unposted()).toHaveLength(7);
      await store.close();
    }
  });

  test('that breaks off stays as it was', async () => {
    const path = write('breaks.db');
    const change = (sql: string) => {
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
    };
    change('CREATE TABLE leader (theirs)');
    const url = `sqlite:${path}`;
    await expect(openStore({ url, log: silentLog })).rejects.toMatchObject({ code: 'refused' });
    change('DROP TABLE leader');
    const store = await openStore({ url, log: silentLog });
    await store.lease.acquire(60_000);
    await expectUpgraded(store);
    await store.close();
  });
});

await withRedis('a store of 0.1.0 in Redis', (server) => {
  const write = async () => {
    await server.command('FLUSHALL');
    const commands = z.array(z.array(z.string())).parse(JSON.parse(fixture('version-1-redis.json')));
    expect(await server.commands(...commands)).not.toMatch(/^-/m);
  };
  const oldKeys = async () => {
    const keys = await server.command('KEYS', 'sparkthread:{v1}:*');
    return keys.split('\r\n').filter((line) => line.startsWith('sparkthread:'));
  };
  const lease = 'sparkthread:{v1}:lease:["lane"]';

  test('is migrated by the first leader, and by no other process', async () => {
    await write();
    const before = await oldKeys();
    const store = await openStore({ url: server.url, log: silentLog });
    const standby = await openStore({ url: server.url, log: silentLog });
    expect(await oldKeys()).toEqual(before);
    expect(await store.lease.acquire(60_000)).toEqual({ kind: 'held', epoch: 1 });
    expect(await standby.lease.acquire(60_000)).toMatchObject({ kind: 'taken' });
    await expectUpgraded(store);
    // It ends by itself.
    expect(await oldKeys()).toEqual([lease]);
    await store.lease.release();
    expect(await standby.lease.acquire(60_000)).toEqual({ kind: 'held', epoch: 2 });
    expect(await standby.runs.unposted()).toHaveLength(7);
    await Promise.all([store.close(), standby.close()]);
  });

  test.each([
    ['among its runs', '-hgetall'],
    ['between its runs and its settings', '-scan'],
  ])('that breaks off %s is finished by the next', async (_where, barred) => {
    await write();
    const store = await openStore({ url: server.url, log: silentLog });
    await server.command('ACL', 'SETUSER', 'default', barred);
    await expect(store.lease.acquire(60_000)).rejects.toMatchObject({ code: 'refused' });
    // Nobody has to wait for the end of its lease.
    expect(await server.command('EXISTS', 'sparkthread:{v2}:lease')).toMatch(/^:0/);
    expect(await server.command('EXISTS', 'sparkthread:{v2}:version')).toMatch(/^:0/);
    await server.command('ACL', 'SETUSER', 'default', '+@all');
    const next = await openStore({ url: server.url, log: silentLog });
    expect(await next.lease.acquire(60_000)).toMatchObject({ kind: 'held' });
    await expectUpgraded(next);
    expect(await oldKeys()).toEqual([lease]);
    await Promise.all([store.close(), next.close()]);
  });

  test('whose migrating process loses the lease is migrated further by the next leader', async () => {
    await write();
    const slow = await openStore({ url: server.url, log: silentLog });
    const next = await openStore({ url: server.url, log: silentLog });
    const moving = slow.lease.acquire(60_000).catch((error: unknown) => error);
    const begun = () => server.command('EXISTS', 'sparkthread:{v2}:unposted');
    await expect.poll(begun, { interval: 1 }).toMatch(/^:1/);
    await server.command('DEL', 'sparkthread:{v2}:lease');
    expect(await next.lease.acquire(60_000)).toMatchObject({ kind: 'held' });
    await moving;
    await expectUpgraded(next);
    await Promise.all([slow.close(), next.close()]);
  });
});
