import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreError } from '../../../src/errors.ts';
import { Leadership } from '../../../src/store/leadership.ts';
import type { LeaderLease, LeaseAnswer } from '../../../src/store/store.ts';

const silent = () => new StoreError('silent', 'the store is away');
const readOnly = () => new StoreError('silent', 'READONLY');

/** What this process has lost of its time: a SIGSTOP moves both clocks, a suspended machine only the wall's. */
const stoodStill = { now: 0, wall: 0 };
const clock = {
  now: () => performance.now() + stoodStill.now,
  wall: () => Date.now() + stoodStill.wall,
};

type Renewal = Awaited<ReturnType<LeaderLease['renew']>>;

interface Scripted {
  acquire: (ttlMs: number) => Promise<LeaseAnswer>;
  renew: (ttlMs: number) => Promise<Renewal>;
}

function create(onEmptied = async (): Promise<void> => undefined) {
  const answers: Scripted = { acquire: async () => ({ kind: 'held', epoch: 7 }), renew: async () => 'held' };
  const asked = { acquire: 0, renew: 0, release: 0 };
  const lease: LeaderLease = {
    holder: 'me',
    acquire: async (ttlMs) => {
      asked.acquire += 1;
      return answers.acquire(ttlMs);
    },
    renew: async (ttlMs) => {
      asked.renew += 1;
      return answers.renew(ttlMs);
    },
    release: async () => void (asked.release += 1),
  };
  const lines: string[] = [];
  const warnings: string[] = [];
  const told = { standby: 0, lost: 0 };
  const write = (line: string): void => {
    const { level, msg } = JSON.parse(line);
    lines.push(msg);
    if (level >= 40) warnings.push(msg);
  };
  const leadership = new Leadership(lease, {
    log: pino({}, { write }),
    clock,
    onLost: () => void (told.lost += 1),
    onStandby: () => void (told.standby += 1),
    onEmptied,
  });
  const lead = async () => leadership.waitForTurn(new AbortController().signal);
  return { leadership, answers, asked, lines, warnings, told, lead };
}

const pass = async (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
  Object.assign(stoodStill, { now: 0, wall: 0 });
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

test('a standby asks once a second, says once that it stands by, and leads when the lease is free', async () => {
  const { leadership, answers, asked, lines, told, lead } = create();
  answers.acquire = async () => ({ kind: 'taken', leftMs: 12_000 });
  const turn = lead();
  await pass(5_500);
  expect(asked.acquire).toBe(6);
  expect(lines).toEqual(['another process leads; this one stands by']);
  expect(told.standby).toBe(1);
  expect([leadership.state, leadership.mayWrite()]).toEqual(['standby', false]);
  answers.acquire = async () => ({ kind: 'held', epoch: 8 });
  await pass(1_000);
  expect(await turn).toEqual({ epoch: 8 });
  expect([leadership.state, leadership.mayWrite()]).toEqual(['leading', true]);
});

test.each([0, 1, 500, 999])(
  'a standby that began %d ms after the leader leads at the latest 13 s after it has crashed: a lease and a poll',
  async (offsetMs) => {
    const [leader, standby] = [create(), create()];
    let endsAt = 0;
    const hold = (ttlMs: number) => (endsAt = performance.now() + ttlMs);
    leader.answers.acquire = async (ttlMs) => {
      hold(ttlMs);
      return { kind: 'held', epoch: 1 };
    };
    leader.answers.renew = async (ttlMs) => {
      hold(ttlMs);
      return 'held';
    };
    standby.answers.acquire = async () => {
      const leftMs = endsAt - performance.now();
      return leftMs > 0 ? { kind: 'taken', leftMs } : { kind: 'held', epoch: 2 };
    };
    await leader.lead();
    await pass(offsetMs);
    const turn = standby.lead();
    await pass(8_000 - offsetMs);
    // It has just renewed its lease: a standby never waits longer.
    expect(leader.asked.renew).toBe(2);
    leader.answers.renew = () => Promise.withResolvers<never>().promise;
    await pass(11_999);
    expect(standby.leadership.state).toBe('standby');
    await pass(1_001);
    expect(standby.leadership.state).toBe('leading');
    expect(await turn).toEqual({ epoch: 2 });
  },
);

test('a standby says that 0.1.0 processes have to be stopped first, and takes the lease when they are', async () => {
  const { answers, lines, lead } = create();
  answers.acquire = async () => ({ kind: 'oldVersion' });
  const turn = lead();
  await pass(3_000);
  expect(lines).toEqual(['0.1.0 processes still work on this store: stop them first']);
  answers.acquire = async () => ({ kind: 'held', epoch: 1 });
  await pass(1_000);
  expect(await turn).toEqual({ epoch: 1 });
});

test('a standby waits for a store that does not answer, and ends if it must not use the store', async () => {
  const { answers, asked, lead } = create();
  answers.acquire = async () => {
    throw silent();
  };
  const turn = lead();
  await pass(3_000);
  expect(asked.acquire).toBe(4);
  answers.acquire = async () => {
    throw new StoreError('newer', 'written by a newer Sparkthread');
  };
  await Promise.all([expect(turn).rejects.toMatchObject({ code: 'newer' }), pass(1_000)]);
});

test('a standby that is told to end stops asking', async () => {
  const { leadership, answers, asked } = create();
  answers.acquire = async () => ({ kind: 'taken', leftMs: 12_000 });
  const ending = new AbortController();
  const turn = leadership.waitForTurn(ending.signal);
  await pass(10);
  ending.abort(new Error('SIGTERM'));
  await expect(turn).rejects.toThrow('SIGTERM');
  await pass(5_000);
  expect(asked.acquire).toBe(1);
});

test('a leader renews every third of the lease and stays sure', async () => {
  const { leadership, asked, lead } = create();
  await lead();
  await pass(24_000);
  expect(asked.renew).toBe(6);
  expect(leadership.mayWrite()).toBe(true);
  await leadership.whenSure();
});

test.each([
  ['away', silent],
  ['read-only', readOnly],
])(
  'a store that is %s puts the lease in doubt; the same epoch goes on when it is back',
  async (_how, error) => {
    const { leadership, answers, asked, told, lead } = create();
    await lead();
    answers.renew = async () => {
      throw error();
    };
    await pass(4_000);
    expect([leadership.state, leadership.mayWrite()]).toEqual(['inDoubt', false]);
    let isSure = false;
    const sure = leadership.whenSure().then(() => (isSure = true));
    await pass(30_000);
    expect([leadership.state, isSure]).toEqual(['inDoubt', false]);
    answers.renew = async () => 'held';
    await pass(1_000);
    await sure;
    expect([leadership.state, leadership.mayWrite()]).toEqual(['leading', true]);
    expect([asked.acquire, told.lost]).toEqual([1, 0]);
  },
);

test('each cause of a doubt is one warning in an outage, also if two of them alternate', async () => {
  const { answers, lines, warnings, lead } = create();
  await lead();
  const begin = (): void => {
    answers.renew = async () => 'missing';
    answers.acquire = async () => {
      throw readOnly();
    };
  };
  const causes = ['the store has no record of it', 'READONLY'].map(
    (cause) => `the leader lease is in doubt: ${cause}`,
  );
  begin();
  await pass(30_000);
  expect(lines).toEqual(['this process leads', ...causes]);
  answers.renew = async () => 'held';
  await pass(2_000);
  begin();
  await pass(30_000);
  expect(lines.slice(3)).toEqual(['the leader lease is sure again', ...causes]);
  expect(warnings).toEqual([...causes, ...causes]);
});

test('a standby tells an outage of the store in one warning, and then that it stands by again', async () => {
  const { answers, lines, warnings, told, lead } = create();
  const taken = async (): Promise<LeaseAnswer> => ({ kind: 'taken' });
  const away = async (): Promise<LeaseAnswer> => {
    throw silent();
  };
  answers.acquire = taken;
  const turn = lead();
  for (const acquire of [taken, away, taken]) {
    answers.acquire = acquire;
    await pass(5_000);
  }
  const waits = 'another process leads; this one stands by';
  const cause = 'the leader lease cannot be acquired: the store is away';
  expect(lines.slice(-3)).toEqual([waits, cause, waits]);
  expect([warnings, told.standby]).toEqual([[cause], 2]);
  answers.acquire = async () => ({ kind: 'held', epoch: 7 });
  await Promise.all([turn, pass(1_000)]);
});

test('a lease that another process has taken ends this one, once', async () => {
  const { leadership, answers, told, asked, lead } = create();
  await lead();
  answers.renew = async () => {
    throw silent();
  };
  await pass(4_000);
  const sure = leadership.whenSure();
  answers.renew = async () => 'taken';
  await Promise.all([expect(sure).rejects.toMatchObject({ code: 'notLeader' }), pass(1_000)]);
  expect(leadership.state).toBe('lost');
  const renewals = asked.renew;
  await pass(30_000);
  expect(told.lost).toBe(1);
  expect(asked.renew).toBe(renewals);
  expect(leadership.mayWrite()).toBe(false);
  await expect(leadership.whenSure()).rejects.toMatchObject({ code: 'notLeader' });
});

test('a renewal that hangs leaves nothing to write with less than 2 s of the lease left', async () => {
  const { leadership, answers, lead } = create();
  await lead();
  const hang = Promise.withResolvers<never>();
  answers.renew = () => hang.promise;
  await pass(9_900);
  expect(leadership.mayWrite()).toBe(true);
  await pass(200);
  expect([leadership.mayWrite(), leadership.state]).toEqual([false, 'inDoubt']);
});

test.each([
  ['stood still (SIGSTOP)', { now: 3_500, wall: 3_500 }],
  ['was suspended with its machine', { now: 0, wall: 3_600_000 }],
])('a process that %s asks the store before it writes, and goes on with its epoch', async (_how, gap) => {
  const { leadership, asked, lead } = create();
  await lead();
  await pass(500);
  Object.assign(stoodStill, gap);
  // No timer has run yet: the clocks alone say it.
  expect([leadership.mayWrite(), leadership.state]).toEqual([false, 'inDoubt']);
  await leadership.whenSure();
  expect(asked.renew).toBe(1);
  expect([leadership.mayWrite(), leadership.state]).toEqual([true, 'leading']);
});

test('a process that stood still past its lease learns that another one has it', async () => {
  const { leadership, answers, told, lead } = create();
  await lead();
  answers.renew = async () => 'taken';
  Object.assign(stoodStill, { now: 60_000, wall: 60_000 });
  await pass(1_000);
  expect([leadership.state, leadership.mayWrite(), told.lost]).toEqual(['lost', false, 1]);
});

test('an answer from before a standstill does not count', async () => {
  const { leadership, answers, asked, lead } = create();
  await lead();
  const late = Promise.withResolvers<'held'>();
  answers.renew = () => late.promise;
  await pass(4_000);
  Object.assign(stoodStill, { now: 0, wall: 60_000 });
  answers.renew = async () => 'held';
  late.resolve('held');
  await pass(0);
  expect(leadership.mayWrite()).toBe(false);
  await pass(1_000);
  expect(asked.renew).toBeGreaterThan(1);
  expect(leadership.mayWrite()).toBe(true);
});

test('after an emptied store there is a new epoch, and the lease is in doubt until what was lost is written back', async () => {
  let writes = 0;
  const written = Promise.withResolvers<void>();
  const { leadership, answers, asked, told, lead } = create(async () => {
    writes += 1;
    if (writes === 1) throw silent();
    await written.promise;
  });
  await lead();
  answers.renew = async () => 'missing';
  answers.acquire = async () => ({ kind: 'held', epoch: 1 });
  await pass(4_000);
  expect([leadership.state, asked.acquire, writes]).toEqual(['inDoubt', 2, 1]);
  answers.renew = async () => 'held';
  await pass(3_000);
  expect([leadership.state, leadership.mayWrite(), writes]).toEqual(['inDoubt', false, 2]);
  written.resolve();
  await leadership.whenSure();
  expect([leadership.state, asked.acquire, writes, told.lost]).toEqual(['leading', 2, 2, 0]);
});

test('a store that is emptied again during a restore is restored once more, one after the other', async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const { leadership, answers, lead } = create(async () => {
    const writing = Promise.withResolvers<void>();
    begun.push(writing);
    await writing.promise;
  });
  await lead();
  answers.renew = async () => 'missing';
  await pass(6_000);
  answers.renew = async () => 'held';
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await pass(1_000);
  expect([leadership.state, begun.length]).toEqual(['inDoubt', 2]);
  begun[1]?.resolve();
  await leadership.whenSure();
});

test('an emptied store whose lease another process has taken meanwhile', async () => {
  const { leadership, answers, told, lead } = create();
  await lead();
  answers.renew = async () => 'missing';
  answers.acquire = async () => ({ kind: 'taken', leftMs: 9_000 });
  await pass(4_000);
  expect([leadership.state, told.lost]).toEqual(['lost', 1]);
});

test('an orderly end releases the lease, once, and asks no more', async () => {
  const { leadership, asked, told, lead } = create();
  await lead();
  await leadership.release();
  await leadership.release();
  await pass(30_000);
  expect([leadership.state, leadership.mayWrite()]).toEqual(['released', false]);
  expect([asked, told.lost]).toEqual([{ acquire: 1, renew: 0, release: 1 }, 0]);
});

test('a store that was brought to this version for longer than a lease is asked once more before this process leads', async () => {
  const { leadership, answers, asked, lead } = create();
  const migrated = Promise.withResolvers<LeaseAnswer>();
  answers.acquire = () => migrated.promise;
  const turn = lead();
  await pass(60_000);
  migrated.resolve({ kind: 'held', epoch: 1 });
  expect(await turn).toEqual({ epoch: 1 });
  expect(asked.renew).toBe(1);
  expect(leadership.mayWrite()).toBe(true);
});

test('a machine that was suspended while the lease was granted asks anew before it leads', async () => {
  const { leadership, answers, asked, lead } = create();
  answers.acquire = async () => {
    stoodStill.wall += 60_000;
    return asked.acquire === 1 ? { kind: 'held', epoch: 7 } : { kind: 'taken' };
  };
  answers.renew = async () => 'taken';
  const turn = lead();
  turn.catch(() => undefined);
  await pass(500);
  expect([leadership.state, leadership.mayWrite()]).toEqual(['standby', false]);
  answers.acquire = async () => ({ kind: 'held', epoch: 9 });
  await pass(1_000);
  expect(await turn).toEqual({ epoch: 9 });
});
