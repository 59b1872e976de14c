import { StoreError } from '../errors.ts';
import type { Ledger } from './run-store.ts';

/** The promise's own end, or `StoreError('silent')` after `timeoutMs`. The work itself is not stopped. */
export async function withinMs<T>(work: Promise<T>, timeoutMs: number, what = 'The store'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreError('silent', `${what} gave no answer within ${timeoutMs} ms.`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same ledger, each of whose calls ends within `timeoutMs`. Closing is left its own time. */
export function boundLedger<Data>(ledger: Ledger<Data>, timeoutMs: number): Ledger<Data> {
  const within = async <T>(work: Promise<T>): Promise<T> => withinMs(work, timeoutMs);
  return {
    admit: (delivery, run, limits) => within(ledger.admit(delivery, run, limits)),
    claim: (delivery, atMs) => within(ledger.claim(delivery, atMs)),
    findDelivery: (delivery) => within(ledger.findDelivery(delivery)),
    get: (runId) => within(ledger.get(runId)),
    change: (run, change) => within(ledger.change(run, change)),
    lane: (lane) => within(ledger.lane(lane)),
    unposted: () => within(ledger.unposted()),
    thread: (workspace, channel, thread, limit) => within(ledger.thread(workspace, channel, thread, limit)),
    channel: (workspace, channel, limit) => within(ledger.channel(workspace, channel, limit)),
    runner: (workspace, runner, limit) => within(ledger.runner(workspace, runner, limit)),
    remove: (runId) => within(ledger.remove(runId)),
    purge: (before) => within(ledger.purge(before)),
    lease: (name, owner, ttlMs, nowMs) => within(ledger.lease(name, owner, ttlMs, nowMs)),
    release: (name, owner) => within(ledger.release(name, owner)),
    signal: (topic, payload) => within(ledger.signal(topic, payload)),
    onSignal: (listener) => ledger.onSignal(listener),
    ping: () => within(ledger.ping()),
    close: () => ledger.close(),
  };
}
