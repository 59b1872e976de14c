import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { type EditBudget, startEditBudget } from '../../src/slack/messages/edit-limiter.ts';
import { startSharedEditBudget } from '../../src/slack/messages/shared-edit-budget.ts';
import { openStore, type Store } from '../../src/store/open-store.ts';
import { withRedis } from './redis.ts';

/** Slack's minute; the budget's own window is a little longer. */
const minuteMs = 60_000;

await withRedis('the budget of edits that processes share', (server) => {
  const opened: Store<unknown>[] = [];
  let nowMs = 1_000_000;
  /** Steps that Redis was asked for. */
  let steps = 0;

  /** A process of its own: another connection, a budget that knows nothing of the others'. */
  const startReplica = async (workspace = 'T1'): Promise<EditBudget> => {
    const store = await openStore<unknown>({ url: server.url, log: silentLog });
    opened.push(store);
    const now = () => nowMs;
    return startSharedEditBudget({
      share: async (step) => {
        steps += 1;
        if (store.budget === undefined) throw new Error('Redis has a budget');
        return store.budget.step(`edits ${workspace}`, step);
      },
      own: startEditBudget(now),
      now,
      clock: now,
    });
  };
  const startReplicas = async (count: number): Promise<EditBudget[]> => {
    await server.command('FLUSHALL');
    return Promise.all(Array.from({ length: count }, () => startReplica()));
  };
  /** All that was said until now has arrived. */
  const settle = async () => Promise.all(opened.map((store) => store.ledger.ping()));

  afterEach(async () => {
    server.resume();
    await Promise.all(opened.splice(0).map((store) => store.close()));
    nowMs = 1_000_000;
    steps = 0;
  });

  interface Printing {
    name: string;
    budget: EditBudget;
    edits: number[];
    dueAt: number;
    close: () => void;
  }

  const openPrinting = async (budgets: readonly EditBudget[], count: number): Promise<Printing[]> => {
    const printing = Array.from({ length: count }, (_, number) => {
      const budget = budgets[number % budgets.length];
      if (budget === undefined) throw new Error('no budget');
      const name = `run-${number}`;
      return { name, budget, edits: [], dueAt: 0, close: budget.open(name) };
    });
    await settle();
    return printing;
  };

  /** Each asks when it may, as a live answer that has always something new to show does. */
  const print = async (printing: readonly Printing[], seconds: number): Promise<void> => {
    for (const until = nowMs + seconds * 1000; nowMs < until; nowMs += 100) {
      for (const each of printing) {
        if (each.dueAt > nowMs) continue;
        const waitMs = await each.budget.take(each.name, 'live');
        if (waitMs === 0) each.edits.push(nowMs);
        each.dueAt = nowMs + waitMs;
      }
    }
  };

  const mostInAMinute = (times: readonly number[]): number =>
    Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + minuteMs).length));
  const editsOf = (printing: readonly Printing[]): number[] => printing.flatMap(({ edits }) => edits);

  test.each([
    [1, 1],
    [2, 2],
    [2, 20],
    [3, 40],
  ])(
    '%i processes, %i answers: never more than 50 edits in any minute, each its share, an edit for each end',
    async (replicas, answers) => {
      const printing = await openPrinting(await startReplicas(replicas), answers);
      await print(printing, 200);
      const counts = printing.map(({ edits }) => edits.length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3);
      expect(Math.min(...counts)).toBeGreaterThan(0);
      // what is not kept for ends is used
      expect(editsOf(printing).length).toBeGreaterThan(Math.min(answers * 20, (50 - answers) * 2.5));
      const ends = await Promise.all(printing.map(({ name, budget }) => budget.take(name, 'end')));
      expect(ends.every((waitMs) => waitMs === 0)).toBe(true);
      expect(mostInAMinute([...editsOf(printing), ...ends.map(() => nowMs)])).toBeLessThanOrEqual(50);
    },
  );

  test('what a killed process used up binds its successor, and what was kept for its ends lapses', async () => {
    const [first] = await startReplicas(1);
    if (first === undefined) throw new Error('no budget');
    const before = await openPrinting([first], 20);
    await print(before, 25);
    expect(editsOf(before).length).toBeGreaterThanOrEqual(20);
    const successor = await startReplica();
    const after = await openPrinting([successor], 20);
    await print(after, 30);
    expect(mostInAMinute([...editsOf(before), ...editsOf(after)])).toBeLessThanOrEqual(50);
    await print(after, 60);
    const lateFrom = nowMs;
    await print(after, 122);
    expect(editsOf(after).filter((at) => at >= lateFrom).length).toBeGreaterThanOrEqual(40);
  });

  test('a pause that one hears of holds for all, also for ends', async () => {
    const [one, two] = await startReplicas(2);
    one?.pause(3_000);
    await settle();
    expect(await two?.take('run-1', 'end')).toBe(3_000);
    nowMs += 3_000;
    expect(await two?.take('run-1', 'end')).toBe(0);
  });

  test('ends that found no edit left come before all others, in their order over all processes', async () => {
    const [one, two] = await startReplicas(2);
    if (one === undefined || two === undefined) throw new Error('no budget');
    const edits = async (count: number) => {
      for (let number = 0; number < count; number += 1) expect(await one.take(`${number}`, 'end')).toBe(0);
    };
    await edits(49);
    nowMs += 30_000;
    await edits(1);
    expect(await one.take('first', 'end')).toBeGreaterThan(0);
    for (let number = 0; number < 49; number += 1)
      expect(await two.take(`second-${number}`, 'end')).toBeGreaterThan(0);
    // those who wait ask again every 5 s at the latest
    for (nowMs += 5_000; nowMs < 1_061_000; nowMs += 5_000) {
      await one.take('first', 'end');
      for (let number = 0; number < 49; number += 1) await two.take(`second-${number}`, 'end');
    }
    nowMs = 1_061_000;
    expect(await one.take('live', 'live')).toBeGreaterThan(0);
    expect(await two.take('second-48', 'end')).toBeGreaterThan(0);
    for (let number = 0; number < 48; number += 1) expect(await two.take(`second-${number}`, 'end')).toBe(0);
    expect(await one.take('first', 'end')).toBe(0);
    nowMs += 30_000;
    expect(await two.take('second-48', 'end')).toBe(0);
  });

  test('an end whose process was killed is not waited for', async () => {
    const [one, two] = await startReplicas(2);
    if (one === undefined || two === undefined) throw new Error('no budget');
    for (let number = 0; number < 50; number += 1) await one.take(`${number}`, 'end');
    for (let number = 0; number < 50; number += 1) await one.take(`killed-${number}`, 'end');
    nowMs += minuteMs + 1_000;
    expect(await two.take('live', 'live')).toBe(0);
  });

  test('an answer that closed keeps nothing back at the others', async () => {
    const [one, two] = await startReplicas(2);
    const closes = Array.from({ length: 50 }, (_, number) => one?.open(`run-${number}`));
    await settle();
    expect(await two?.take('live', 'live')).toBeGreaterThan(0);
    for (const close of closes) close?.();
    await settle();
    nowMs += 5_000;
    expect(await two?.take('live', 'live')).toBe(0);
  });

  test('two workspaces have a budget each', async () => {
    const [one] = await startReplicas(1);
    const other = await startReplica('T2');
    for (let number = 0; number < 50; number += 1) await one?.take(`run-${number}`, 'end');
    expect(await one?.take('more', 'end')).toBeGreaterThan(0);
    expect(await other.take('more', 'end')).toBe(0);
  });

  test('processes that ask at the same moment are not given the same edit', async () => {
    const budgets = await startReplicas(3);
    const asked = budgets.flatMap((budget, replica) =>
      Array.from({ length: 30 }, (_, number) => budget.take(`run-${replica}-${number}`, 'end')),
    );
    const waits = await Promise.all(asked);
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(50);
  });

  test('one round trip for an edit while there are enough', async () => {
    const printing = await openPrinting(await startReplicas(2), 2);
    steps = 0;
    await print(printing, 20);
    // the first share was reckoned before the second answer asked
    expect(steps).toBeLessThanOrEqual(editsOf(printing).length + 1);
    expect(steps).toBeGreaterThan(15);
  });

  describe('while Redis is away', () => {
    test.each(['stands still', 'is gone'] as const)(
      'and %s: each goes on with its part, and what it used is told afterwards',
      async (how) => {
        const budgets = await startReplicas(2);
        const printing = await openPrinting(budgets, 4);
        // both have heard of each other
        await print(printing, 2);
        const before = editsOf(printing).length;
        if (how === 'is gone') await server.kill();
        else server.pause();
        await print(printing, 20);
        const away = editsOf(printing).length - before;
        expect(away).toBeGreaterThan(5);
        expect(mostInAMinute(editsOf(printing))).toBeLessThanOrEqual(50);
        if (how === 'is gone') await server.start();
        else server.resume();
        await vi.waitFor(async () => settle(), { timeout: 30_000, interval: 50 });
        await print(printing, 61);
        expect(mostInAMinute(editsOf(printing))).toBeLessThanOrEqual(50);
        const ends = await Promise.all(printing.map(({ name, budget }) => budget.take(name, 'end')));
        expect(ends).toEqual([0, 0, 0, 0]);
        expect(mostInAMinute([...editsOf(printing), ...ends.map(() => nowMs)])).toBeLessThanOrEqual(50);
      },
    );
  });

  test('by default Redis’ own clock counts, and its record goes when nobody asks any more', async () => {
    await server.command('FLUSHALL');
    const store = await openStore<unknown>({ url: server.url, log: silentLog });
    opened.push(store);
    const share = async (step: Parameters<NonNullable<typeof store.budget>['step']>[1]) => {
      if (store.budget === undefined) throw new Error('Redis has a budget');
      return store.budget.step('edits T1', step);
    };
    const start = (offsetMs: number) => {
      const now = () => nowMs + offsetMs;
      return startSharedEditBudget({ share, own: startEditBudget(now), now });
    };
    const budgets = [start(0), start(3_600_000)];
    const waits = [];
    for (let number = 0; number < 60; number += 1)
      waits.push(await budgets[number % 2]?.take(`run-${number}`, 'end'));
    expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(50);
    const leftMs = Number(
      /:(-?\d+)/.exec(await server.command('PTTL', 'sparkthread:{v1}:budget:["edits T1"]'))?.[1],
    );
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(75_000);
  });
});
