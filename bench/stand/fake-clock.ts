import { syncBuiltinESMExports } from 'node:module';
import timersPromises from 'node:timers/promises';

/**
 * A clock that only `advance` moves, in place of the process's own: to be started before anything that takes a timer is
 * imported. `performance.now` and `setImmediate` stay real.
 */
export interface FakeClock {
  /** Every timer that becomes due fires in its order, and the work that it started gets its turn. */
  advance: (ms: number) => Promise<void>;
}

interface Timer {
  atMs: number;
  everyMs: number | undefined;
  act: () => void;
}

const START_MS = Date.UTC(2026, 0, 1);
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function startFakeClock(): FakeClock {
  let nowMs = START_MS;
  const timers = new Set<Timer>();
  const add = (act: () => void, ms = 0, everyMs?: number) => {
    const timer: Timer = { atMs: nowMs + Math.max(1, ms), everyMs, act };
    timers.add(timer);
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      refresh: () => {
        timer.atMs = nowMs + Math.max(1, ms);
        timers.add(timer);
        return handle;
      },
      close: () => void timers.delete(timer),
      [Symbol.toPrimitive]: () => 0,
      [Symbol.dispose]: () => void timers.delete(timer),
      timer,
    };
    return handle;
  };
  const clear = (handle: unknown): void => {
    const timer: unknown =
      typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'timer') : undefined;
    for (const each of timer === undefined ? [] : [...timers]) if (each === timer) timers.delete(each);
  };
  const set = (act: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
    add(() => act(...given), ms);
  const setEvery = (act: (...given: unknown[]) => void, ms = 1, ...given: unknown[]) =>
    add(() => act(...given), ms, Math.max(1, ms));
  const wait = <T>(
    ms?: number,
    value?: T,
    { signal }: { signal?: AbortSignal } = {},
  ): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const handle = add(() => resolve(value), ms);
      const abort = (): void => {
        clear(handle);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
  Object.assign(globalThis, {
    setTimeout: set,
    setInterval: setEvery,
    clearTimeout: clear,
    clearInterval: clear,
  });
  Object.assign(timersPromises, { setTimeout: wait });
  syncBuiltinESMExports();
  Date.now = () => nowMs;
  return {
    async advance(ms) {
      const until = nowMs + ms;
      for (;;) {
        let next: Timer | undefined;
        for (const timer of timers) if (next === undefined || timer.atMs < next.atMs) next = timer;
        if (next === undefined || next.atMs > until) break;
        nowMs = Math.max(nowMs, next.atMs);
        if (next.everyMs === undefined) timers.delete(next);
        else next.atMs = nowMs + next.everyMs;
        next.act();
        await nextTurn();
      }
      nowMs = until;
      await nextTurn();
    },
  };
}
