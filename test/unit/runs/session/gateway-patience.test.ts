import { expect, test } from 'vitest';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { GatewayPatience, type Waiting } from '../../../../src/runs/session/gateway-patience.ts';

const unreachable = new GatewayError('unreachable', 'no answer');
const unauthorized = new GatewayError('unauthorized', 'wrong token');

interface Scene {
  patience: GatewayPatience;
  clock: { seconds: number };
  told: string[];
  waiting: (more?: Partial<Waiting>) => Waiting;
}

/** A gateway that does what `meets` says at each second; the clock moves only by waiting. */
function scene(meets: (seconds: number) => GatewayError | undefined): Scene {
  const clock = { seconds: 0 };
  const told: string[] = [];
  const findKernel = async (): Promise<undefined> => {
    const failure = meets(clock.seconds);
    if (failure !== undefined) throw failure;
  };
  const now = (): number => clock.seconds * 1_000;
  return {
    clock,
    told,
    patience: new GatewayPatience(
      { findKernel },
      {
        now,
        async pause(ms, signal) {
          signal.throwIfAborted();
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

test('a gateway that comes back is worth another attempt; until then it is told', async () => {
  const { patience, clock, told, waiting } = scene((s) => (s < 10 ? unreachable : undefined));
  expect(await patience.isWorthAnother(unreachable, waiting())).toBe(true);
  expect(clock.seconds).toBe(10);
  expect(told[0]).toBe('unreachable');
});

test('what was never sent waits 20 s, what the kernel may have five minutes', async () => {
  const first = scene(() => unreachable);
  expect(await first.patience.isWorthAnother(unreachable, first.waiting())).toBe(false);
  expect(first.clock.seconds).toBe(20);
  const second = scene(() => unreachable);
  const sent = second.waiting({ isSent: true, isHarmless: true });
  expect(await second.patience.isWorthAnother(unreachable, sent)).toBe(false);
  expect(second.clock.seconds).toBe(300);
});

test('a queue waits once, not once for each of its runs; an absence later is a new one', async () => {
  const { patience, clock, waiting } = scene(() => unreachable);
  await patience.isWorthAnother(unreachable, waiting());
  expect(await patience.isWorthAnother(unreachable, waiting())).toBe(false);
  expect(clock.seconds).toBe(20);
  clock.seconds = 200;
  expect(await patience.isWorthAnother(unreachable, waiting())).toBe(false);
  expect(clock.seconds).toBe(220);
});

test('a start that failed on a gateway that answers is not repeated; a connection is, and not for ever', async () => {
  const { patience, clock, waiting } = scene(() => undefined);
  expect(await patience.isWorthAnother(unreachable, waiting())).toBe(false);
  const kept = waiting({ isHarmless: true });
  while (await patience.isWorthAnother(unreachable, kept));
  expect(clock.seconds).toBe(20);
});

test('a refusal ends the wait of what was never sent; what the kernel may have waits for it to be set right', async () => {
  const { patience, clock, told, waiting } = scene((s) => (s < 21 ? unauthorized : undefined));
  expect(await patience.isWorthAnother(unauthorized, waiting())).toBe(false);
  const sent = waiting({ isSent: true, isHarmless: true });
  expect(await patience.isWorthAnother(unauthorized, sent)).toBe(true);
  expect(clock.seconds).toBe(21);
  expect(new Set(told)).toEqual(new Set(['unauthorized']));
});

test('taken back: the wait ends', async () => {
  const { patience, waiting } = scene(() => unreachable);
  const taken = new AbortController();
  const onAway = (): void => taken.abort();
  await expect(
    patience.isWorthAnother(unreachable, waiting({ signal: taken.signal, onAway })),
  ).rejects.toThrow();
});
