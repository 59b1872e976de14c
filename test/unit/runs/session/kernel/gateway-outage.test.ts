import { expect, test, vi } from 'vitest';
import { GatewayError } from '../../../../../src/gateway/errors.ts';
import {
  createGatewayOutageWait,
  type GatewayOutageWait,
  type Waiting,
} from '../../../../../src/runs/session/kernel/gateway-outage.ts';

const unreachable = new GatewayError('unreachable', 'no answer');
const unauthorized = new GatewayError('unauthorized', 'wrong token');

interface Scene {
  outage: GatewayOutageWait;
  clock: { seconds: number };
  told: string[];
  probes: () => number;
  waiting: (more?: Partial<Waiting>) => Waiting;
}

/** A gateway that does what `meets` says at each second; the clock moves only by waiting. */
function scene(meets: (seconds: number) => GatewayError | undefined): Scene {
  const clock = { seconds: 0 };
  const told: string[] = [];
  let probes = 0;
  const findKernel = async (): Promise<undefined> => {
    probes += 1;
    const failure = meets(clock.seconds);
    if (failure !== undefined) throw failure;
  };
  const now = (): number => clock.seconds * 1_000;
  return {
    clock,
    told,
    probes: () => probes,
    outage: createGatewayOutageWait(
      { findKernel },
      {
        now,
        async delay(ms) {
          clock.seconds += ms / 1_000;
        },
      },
    ),
    waiting: (more = {}) => ({
      isSent: false,
      isHarmless: false,
      sinceMs: now(),
      kernelId: 'k',
      signal: new AbortController().signal,
      onAway: ({ code }) => told.push(code),
      ...more,
    }),
  };
}

test('a gateway that comes back is worth another attempt; until then the outage is shown', async () => {
  const { outage, clock, told, waiting } = scene((s) => (s < 10 ? unreachable : undefined));
  expect(await outage.isWorthRetry(unreachable, waiting())).toBe(true);
  expect(clock.seconds).toBe(10);
  expect(told[0]).toBe('unreachable');
});

test('a run that was not sent waits 20 s, one that the kernel may have waits five minutes', async () => {
  const first = scene(() => unreachable);
  expect(await first.outage.isWorthRetry(unreachable, first.waiting())).toBe(false);
  expect(first.clock.seconds).toBe(20);
  const second = scene(() => unreachable);
  const sent = second.waiting({ isSent: true, isHarmless: true });
  expect(await second.outage.isWorthRetry(unreachable, sent)).toBe(false);
  expect(second.clock.seconds).toBe(300);
});

test('a queue waits once, not once for each of its runs; an absence later is a new one', async () => {
  const { outage, clock, waiting } = scene(() => unreachable);
  await outage.isWorthRetry(unreachable, waiting());
  expect(await outage.isWorthRetry(unreachable, waiting())).toBe(false);
  expect(clock.seconds).toBe(20);
  clock.seconds = 200;
  expect(await outage.isWorthRetry(unreachable, waiting())).toBe(false);
  expect(clock.seconds).toBe(220);
});

test('a start that failed on a gateway that answers is not repeated; a connection is, and not for ever', async () => {
  const { outage, clock, waiting } = scene(() => undefined);
  expect(await outage.isWorthRetry(unreachable, waiting())).toBe(false);
  const kept = waiting({ isHarmless: true });
  while (await outage.isWorthRetry(unreachable, kept));
  expect(clock.seconds).toBe(20);
});

test('a refusal ends the wait of a run that was not sent; one that the kernel may have waits until it is corrected', async () => {
  const { outage, clock, told, waiting } = scene((s) => (s < 21 ? unauthorized : undefined));
  expect(await outage.isWorthRetry(unauthorized, waiting())).toBe(false);
  const sent = waiting({ isSent: true, isHarmless: true });
  expect(await outage.isWorthRetry(unauthorized, sent)).toBe(true);
  expect(clock.seconds).toBe(21);
  expect(new Set(told)).toEqual(new Set(['unauthorized']));
});

test('taken back: the wait ends', async () => {
  const { outage, waiting } = scene(() => unreachable);
  const taken = new AbortController();
  const onAway = (): void => taken.abort();
  await expect(outage.isWorthRetry(unreachable, waiting({ signal: taken.signal, onAway }))).rejects.toThrow();
});

test('300 runs that wait ask the gateway once a second together', async () => {
  const { outage, probes, clock, waiting } = scene((s) => (s < 10 ? unreachable : undefined));
  const waits = Array.from({ length: 300 }, () => outage.isWorthRetry(unreachable, waiting()));
  expect(new Set(await Promise.all(waits))).toEqual(new Set([true]));
  expect(clock.seconds).toBe(10);
  expect(probes()).toBeLessThanOrEqual(11);
});

test('a wall clock that is set forward does not end the wait', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    let probes = 0;
    const outage = createGatewayOutageWait({
      async findKernel() {
        vi.setSystemTime(Date.now() + 3_600_000);
        probes += 1;
        if (probes === 1) throw unreachable;
        return undefined;
      },
    });
    const { waiting } = scene(() => unreachable);
    const missed = { isHarmless: false, sinceMs: performance.now(), onAway: () => undefined };
    expect(await outage.isWorthRetry(unreachable, waiting(missed))).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});
