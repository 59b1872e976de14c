import { expect, test, vi } from 'vitest';
import { silentLog } from '../../../../../src/log.ts';
import {
  type IdleDeps,
  IdleKernel,
  nextIdleStep,
} from '../../../../../src/runs/session/kernel/idle-kernel.ts';
import { type KernelRecord } from '../../../../../src/runs/session/kernel/kernel-record.ts';
import { newKernelRecord } from '../../../../../src/runs/session/kernel/launch-kernel.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';

const HOUR_MS = 3_600_000;
const MODEL = { id: 'k', name: 'python3', executionState: 'idle' };

/** An idle kernel of an hour and the notices that its channel gets, on a record that the test reads and changes. */
function createIdle(
  deps: Partial<IdleDeps['notices']> &
    Partial<Pick<IdleDeps, 'idleTimeoutMs'>> & {
      findKernel?: IdleDeps['gateway']['findKernel'];
      onShutDown?: () => void;
    },
) {
  const { findKernel = async () => MODEL, onShutDown, ...rest } = deps;
  const kernel = {
    record: newRecord() as KernelRecord | undefined,
    change: (more: Partial<KernelRecord>): void =>
      void (kernel.record = kernel.record && { ...kernel.record, ...more }),
    forget: async () => void (kernel.record = undefined),
    noteWarned: async (warnedAt: number) => kernel.change({ warnedAt }),
    shutDown: async () => {
      onShutDown?.();
      kernel.record = undefined;
    },
  };
  const { warn = async () => undefined, ended = async () => undefined } = rest;
  const idle = new IdleKernel(
    kernel,
    () => false,
    () => undefined,
    {
      gateway: { findKernel },
      notices: { warn, ended },
      idleTimeoutMs: 'idleTimeoutMs' in rest ? rest.idleTimeoutMs : HOUR_MS,
      log: silentLog,
    },
  );
  return { kernel, idle };
}

function newRecord(): KernelRecord {
  const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1' };
  return newKernelRecord(owner, 'python3');
}

test.each([
  [{ lastUsedAt: 0 }, { kind: 'warn', atMs: HOUR_MS - 600_000 }],
  [
    { lastUsedAt: 0, warnedAt: 10 },
    { kind: 'end', atMs: HOUR_MS },
  ],
  // A warning that came late leaves as much time to answer it.
  [
    { lastUsedAt: 0, warnedAt: 2 * HOUR_MS },
    { kind: 'end', atMs: 2 * HOUR_MS + 600_000 },
  ],
  // Used or kept after the warning: that one counts no more.
  [
    { lastUsedAt: 20, warnedAt: 10 },
    { kind: 'warn', atMs: HOUR_MS + 20 - 600_000 },
  ],
])('%o: next is %o', (record, step) => {
  expect(nextIdleStep({ warnedAt: undefined, ...record }, HOUR_MS)).toEqual(step);
});

test('a kernel without an idle time is looked at once a day, and forgotten when the gateway has culled it', async () => {
  vi.useFakeTimers();
  try {
    let looks = 0;
    const { kernel, idle } = createIdle({
      findKernel: async () => ((looks += 1) < 3 ? MODEL : undefined),
      idleTimeoutMs: undefined,
    });
    idle.watch();
    await vi.advanceTimersByTimeAsync(2.5 * 24 * HOUR_MS);
    expect([looks, kernel.record === undefined]).toEqual([2, false]);
    await vi.advanceTimersByTimeAsync(24 * HOUR_MS);
    expect([looks, kernel.record === undefined]).toEqual([3, true]);
    await vi.advanceTimersByTimeAsync(10 * 24 * HOUR_MS);
    expect(looks).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});

test('a warning that Slack did not take is given later: nothing is shut down without one', async () => {
  vi.useFakeTimers();
  try {
    const beganMs = Date.now();
    const told: string[] = [];
    const tell = (what: string): void =>
      void told.push(`${what} after ${(Date.now() - beganMs) / 60_000} min`);
    let refusals = 3;
    const warn = async () => {
      tell('a warning');
      if ((refusals -= 1) >= 0) throw new Error('Slack is away');
      return undefined;
    };
    const { idle } = createIdle({ warn, idleTimeoutMs: 12 * 60_000, onShutDown: () => tell('shut down') });
    idle.watch();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    // At half time, then after 30 s, 60 s and 120 s more; as much time to answer it as if it had come at once.
    expect(told).toEqual([
      'a warning after 6 min',
      'a warning after 6.5 min',
      'a warning after 7.5 min',
      'a warning after 9.5 min',
      'shut down after 15.5 min',
    ]);
  } finally {
    vi.useRealTimers();
  }
});

test('a warning has its button until the kernel is used again or shut down, unless Keep has replaced it', async () => {
  vi.useFakeTimers();
  try {
    const told: string[] = [];
    const warn = async () => {
      told.push('warned');
      return async (isUsed: boolean) => void told.push(isUsed ? 'used again' : 'settled');
    };
    const { kernel, idle } = createIdle({ warn, ended: async () => void told.push('ended') });
    const untilWarned = async (how: 'watch' | 'keep'): Promise<void> => {
      kernel.change({ lastUsedAt: Date.now() });
      idle[how]();
      await vi.advanceTimersByTimeAsync(HOUR_MS - 300_000);
    };
    await untilWarned('watch');
    await untilWarned('watch');
    await untilWarned('keep');
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(told).toEqual(['warned', 'used again', 'warned', 'warned', 'ended', 'settled']);
  } finally {
    vi.useRealTimers();
  }
});

test('the warning of a kernel that was lost does not say that it stays once another has taken its place', async () => {
  vi.useFakeTimers();
  try {
    let isThere = true;
    const told: string[] = [];
    const { kernel, idle } = createIdle({
      findKernel: async () => (isThere ? MODEL : undefined),
      warn: async () => async (isUsed) => void told.push(isUsed ? 'stays' : 'settled'),
    });
    idle.watch();
    await vi.advanceTimersByTimeAsync(HOUR_MS - 300_000);
    isThere = false;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(told).toEqual(['settled']);
    isThere = true;
    kernel.record = newRecord();
    idle.watch();
    await vi.advanceTimersByTimeAsync(HOUR_MS - 300_000);
    // An admin has it shut down.
    kernel.record = newRecord();
    idle.watch();
    expect(told).toEqual(['settled', 'settled']);
  } finally {
    vi.useRealTimers();
  }
});

test('an idle kernel is warned of, then shut down, and the next run says so', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 60 });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  await expect
    .poll(() => rig.notices)
    .toEqual(['ended code() ok', 'warned python3', 'idle python3', 'settled']);
  const next = await rig.submit('next()');
  await rig.untilDone(next);
  expect(next.run.data.notes.join()).toContain('nobody had used it for long');
});

test('what the log says of a warning is in the store', async () => {
  const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1' };
  let record: KernelRecord | undefined = { ...newKernelRecord(owner, 'python3'), lastUsedAt: 0 };
  const [writing, stored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const logged: unknown[] = [];
  const kernel = {
    get record() {
      return record;
    },
    forget: async () => undefined,
    shutDown: async () => undefined,
    noteWarned: async () => {
      writing.resolve();
      await stored.promise;
    },
  };
  const idle = new IdleKernel(
    kernel,
    () => false,
    () => undefined,
    {
      gateway: { findKernel: async () => ({ id: 'k', name: 'python3', executionState: 'idle' }) },
      notices: { warn: async () => undefined, ended: async () => undefined },
      idleTimeoutMs: HOUR_MS,
      log: {
        ...silentLog,
        info: ({ event }: { event: string }) => {
          logged.push(event);
          record = undefined;
        },
      },
    },
  );
  idle.watch();
  await writing.promise;
  await new Promise(setImmediate);
  expect(logged).toEqual([]);
  stored.resolve();
  await expect.poll(() => logged).toEqual(['kernel.warned']);
});

test('D8: a run that is admitted while the idle kernel is checked keeps it', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 40 });
  const looked = Promise.withResolvers<void>();
  const look = Promise.withResolvers<void>();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  rig.gateway.answer = async ({ method, isUpgrade }) => {
    if (method !== 'GET' || isUpgrade) return undefined;
    looked.resolve();
    await look.promise;
    return undefined;
  };
  await looked.promise;
  const { kernelId } = rig.session().record!;
  const live = await rig.submit('meanwhile()');
  look.resolve();
  expect((await rig.untilEnded(live)).kind).toBe('ok');
  expect(rig.session().record?.kernelId).toBe(kernelId);
});

test('D8: a run that is admitted while the warning is being posted keeps the kernel', async () => {
  const warned = Promise.withResolvers<void>();
  const warning = Promise.withResolvers<void>();
  await using rig = await startSessionRig({
    idleTimeoutMs: 1_000,
    warn: async () => {
      warned.resolve();
      await warning.promise;
      return undefined;
    },
  });
  const live = await rig.submit('code()');
  (await rig.held.untilBegun('code()')).end();
  await rig.untilDone(live);
  await warned.promise;
  const next = await rig.submit('meanwhile()');
  const run = await rig.held.untilBegun('meanwhile()');
  warning.resolve();
  await new Promise(setImmediate);
  expect(rig.notices).not.toContain('idle python3');
  run.end();
  expect((await rig.untilDone(next)).kind).toBe('ok');
});

test('D15: a kernel that the gateway has culled is asked for once, and its record forgotten', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 30 });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  rig.gateway.kernels.get(rig.session().record!.kernelId)!.isDeleted = true;
  await expect.poll(() => rig.session().record).toBeUndefined();
  const asked = rig.gateway.calls.length;
  await expect.poll(async () => (await rig.records.readAll()).get('T1/C1')?.record).toBeUndefined();
  expect(rig.notices).toEqual(['ended code() ok']);
  expect(rig.gateway.calls).toHaveLength(asked);
});

test('the kernel’s record is stored before anybody can read the answer', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  const live = await rig.submit('code()');
  await live.posted;
  expect((await rig.records.readAll()).get('T1/C1')?.record).toMatchObject({ executionCount: 1 });
});

test('Keep postpones the end', async () => {
  await using rig = await startSessionRig({ idleTimeoutMs: 60_000 });
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  const before = rig.session().record!;
  expect(rig.session().keep(before.kernelId)).toBe(true);
  expect(rig.session().record!.lastUsedAt).toBeGreaterThanOrEqual(before.lastUsedAt);
  expect(rig.session().keep('another')).toBe(false);
});

test('a kernel that is being shut down cannot be kept', async () => {
  await using rig = await startSessionRig();
  rig.held.letRun();
  await rig.untilDone(await rig.submit('code()'));
  const { kernelId } = rig.session().record!;
  const ending = rig.session().shutDown();
  expect(rig.session().keep(kernelId)).toBe(false);
  await ending;
});
