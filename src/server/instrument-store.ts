import { Counter, Histogram, type Registry } from 'prom-client';
import { StoreError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** The same store with the calls of its runs timed: a store that is slow is slow before it is away. */
export function instrumentStore(registry: Registry): <Data>(store: Store<Data>) => Store<Data> {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'sparkthread_store_seconds',
    help: 'How long calls of the run store took, failed ones included, by call',
    labelNames: ['call'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5],
    registers,
  });
  const errors = new Counter({
    name: 'sparkthread_store_errors_total',
    help: 'Calls of the run store that failed, by call and kind of failure',
    labelNames: ['call', 'code'],
    registers,
  });
  return (store) => ({
    ...store,
    runs: new Proxy(store.runs, {
      get(runs, call) {
        const method: unknown = Reflect.get(runs, call, runs);
        if (typeof method !== 'function' || typeof call !== 'string') return method;
        return async (...given: unknown[]): Promise<unknown> => {
          const stop = seconds.startTimer({ call });
          try {
            return await method.apply(runs, given);
          } catch (error) {
            errors.inc({ call, code: error instanceof StoreError ? error.code : 'broken' });
            throw error;
          } finally {
            stop();
          }
        };
      },
    }),
  });
}
