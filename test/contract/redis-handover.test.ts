import { expect, test } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { openStore } from '../../src/store/open.ts';
import type { Part } from '../../src/store/store.ts';
import type { Note } from './new-run.ts';
import { withRedis } from './redis.ts';

const TTL_MS = 60_000;

await withRedis('Redis: a leader gives way', (server) => {
  test('to a standby that reaches what it misses, at most once in ten minutes', async () => {
    const open = async () => await openStore<Note>({ url: server.url, log: silentLog });
    const [first, second] = await Promise.all([open(), open()]);
    try {
      const [leader, standby] = [first.lease.handover!, second.lease.handover!];
      const wanted: Part[] = [];
      standby.onWanted = (part) => void wanted.push(part);
      expect(await first.lease.acquire(TTL_MS)).toMatchObject({ kind: 'held' });
      expect(await second.lease.acquire(TTL_MS)).toEqual({ kind: 'taken' });
      expect(wanted).toEqual([]);

      expect(await leader.seekSuccessor('slack')).toBe(false);
      await second.lease.acquire(TTL_MS);
      expect(wanted).toEqual(['slack']);
      await standby.offer('gateway');
      expect(await leader.seekSuccessor('slack')).toBe(false);
      await standby.offer('slack');
      expect(await leader.seekSuccessor('slack')).toBe(true);
      await expect(standby.giveWay('slack'), 'only the leader').rejects.toMatchObject({ code: 'notLeader' });
      await leader.giveWay('slack');
      await first.lease.release();

      expect(await second.lease.acquire(TTL_MS)).toMatchObject({ kind: 'held' });
      await leader.offer('gateway');
      expect(await standby.seekSuccessor('gateway')).toBe(false);
      expect(
        Number(/:(\d+)/.exec(await server.command('PTTL', 'sparkthread:{v2}:handover'))?.[1]),
      ).toBeGreaterThan(590_000);
    } finally {
      await first.close();
      await second.close();
    }
  });
});
