import type { Keyv } from 'keyv';
import { StoreError } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';

/** Faults between this process and its store. `method` is one of the run store, or `keyv.set` or `keyv.delete`. */
export interface StoreFaults {
  /** Runs before the step. If it throws, the step is not done; while it waits, the step waits. */
  before: (method: string, given: readonly unknown[]) => void | Promise<void>;
  /** Runs after the step. If it throws, the error replaces the answer; while it waits, the answer waits. */
  after: (method: string) => void | Promise<void>;
  /** How often each method was called. */
  calls: string[];
}

export function silent(): StoreError {
  return new StoreError('silent', 'the store gave no answer');
}

/** The same store over a connection that fails as `faults` says. */
export function withFaults<Data>(store: Store<Data>): { store: Store<Data>; faults: StoreFaults } {
  const faults: StoreFaults = { before: () => undefined, after: () => undefined, calls: [] };
  const step = async (method: string, given: readonly unknown[], work: () => unknown): Promise<unknown> => {
    faults.calls.push(method);
    await faults.before(method, given);
    const answer = await work();
    await faults.after(method);
    return answer;
  };
  const wrap = <T extends object>(target: T, prefix: string, methods: ReadonlySet<string> | undefined): T =>
    new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        const call = (...given: unknown[]): unknown => Reflect.apply(member, target, given);
        return methods?.has(name) === false
          ? call
          : (...given: unknown[]) => step(prefix + name, given, () => call(...given));
      },
    });
  const written = new Set(['set', 'delete']);
  return {
    faults,
    store: {
      ...store,
      runs: wrap(store.runs, '', undefined),
      keyv: (namespace): Keyv => wrap(store.keyv(namespace), 'keyv.', written),
    },
  };
}
