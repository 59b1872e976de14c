import { Keyv } from 'keyv';
import type { Log } from '../log.ts';

/** What a store implements for Keyv: entries by namespace and key, which may expire. */
export interface Entries {
  values(namespace: string, keys: readonly string[]): Promise<(string | undefined)[]>;
  /** `value` is text: Keyv's serializer is always on. `ttl` in ms. */
  set(namespace: string, key: string, value: string, ttl: number | undefined): Promise<void>;
  /** Resolves with whether there was such a key. */
  delete(namespace: string, key: string): Promise<boolean>;
  clear(namespace: string): Promise<void>;
  /** The keys that have not expired. */
  keys(namespace: string): Promise<string[]>;
}

/** How many values an iteration reads at once. */
const PAGE_SIZE = 100;

/**
 * A store as Keyv sees it. Each Keyv has its own adapter, whose `namespace` Keyv sets. Keyv makes several calls of what is
 * here for what is not.
 */
export class KeyvAdapter {
  /** Keyv gives an iterator only to adapters of dialects that it knows. */
  readonly opts = { dialect: 'redis', url: 'redis:' };
  namespace = '';
  readonly #entries: Entries;

  constructor(entries: Entries) {
    this.#entries = entries;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.getMany([key]))[0];
  }

  /** Keyv's own calls of `get` in place of this would swallow errors. */
  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return this.#entries.values(this.namespace, keys);
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.#entries.set(this.namespace, key, value, ttl);
    return true;
  }

  async delete(key: string): Promise<boolean> {
    return this.#entries.delete(this.namespace, key);
  }

  async clear(): Promise<void> {
    await this.#entries.clear(this.namespace);
  }

  async *iterator(namespace = this.namespace): AsyncGenerator<[key: string, value: string], void> {
    const keys = await this.#entries.keys(namespace);
    for (let from = 0; from < keys.length; from += PAGE_SIZE) {
      const page = keys.slice(from, from + PAGE_SIZE);
      for (const [index, value] of (await this.#entries.values(namespace, page)).entries()) {
        // It may have been deleted between the listing of the keys and the reading of the values.
        if (value !== undefined) yield [page[index] ?? '', value];
      }
    }
  }
}

/** Every entry of a Keyv. */
export async function* entriesOf(keyv: Keyv): AsyncGenerator<[key: string, stored: unknown]> {
  const entries = keyv.iterator?.(undefined) as AsyncIterable<[string, unknown]> | undefined;
  yield* entries ?? [];
}

/** Opens one Keyv for each namespace. Keyv's own key prefix is off, because the stores separate namespaces themselves. */
export function onePerNamespace(entries: Entries, log: Log): (namespace: string) => Keyv {
  const open = new Map<string, Keyv>();
  return (namespace) => {
    const known = open.get(namespace);
    if (known !== undefined) return known;
    const keyv = new Keyv({
      store: new KeyvAdapter(entries),
      namespace,
      useKeyPrefix: false,
      throwOnErrors: true,
    });
    keyv.on('error', (error: unknown) =>
      log.debug({ event: 'cache.failed', err: error, namespace }, 'Keyv failed'),
    );
    readLoosely(keyv, (reason) =>
      log.error({ event: 'cache.unreadable', namespace, reason }, 'a stored value cannot be read'),
    );
    open.set(namespace, keyv);
    return keyv;
  };
}

/** Reads a damaged value as null, so that one bad entry does not break the listing of the others. We store no null. */
function readLoosely(keyv: Keyv, onUnreadable: (reason: string) => void): void {
  const { deserialize } = keyv;
  if (deserialize === undefined) return;
  keyv.deserialize = async <Value>(text: string) => {
    try {
      const stored = await deserialize<Value>(text);
      if (typeof stored === 'object' && stored !== null) return stored;
      onUnreadable('not in the form that Keyv writes');
    } catch (error) {
      // Only the error's name: its message quotes the value, which may be code.
      onUnreadable(error instanceof Error ? error.name : 'no JSON');
    }
    return deserialize<Value>('{"value":null}');
  };
}
