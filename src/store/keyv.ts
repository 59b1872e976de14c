import { Keyv } from 'keyv';
import type { Log } from '../log.ts';

/** `value` is text: Keyv's serializer is always on. `ttl` in ms. */
export interface Entry {
  key: string;
  value: string;
  ttl?: number | undefined;
}

/** What a kind of store does for Keyv: entries by namespace and key, which end by themselves. */
export interface Entries {
  values(namespace: string, keys: readonly string[]): Promise<(string | undefined)[]>;
  /** All or none. */
  set(namespace: string, entries: readonly Entry[]): Promise<void>;
  /** True when any of the keys was there. */
  delete(namespace: string, keys: readonly string[]): Promise<boolean>;
  clear(namespace: string): Promise<void>;
  /** Those that have not ended. */
  keys(namespace: string): Promise<string[]>;
}

/** How many values an iteration asks for at once. */
const PAGE_SIZE = 100;

/** Keyv's view of a store. Each Keyv has an adapter of its own: `namespace` is set by Keyv. */
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

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return this.#entries.values(this.namespace, keys);
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.#entries.set(this.namespace, [{ key, value, ttl }]);
    return true;
  }

  async setMany(entries: Entry[]): Promise<boolean[]> {
    await this.#entries.set(this.namespace, entries);
    return entries.map(() => true);
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map((value) => value !== undefined);
  }

  async delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    return this.#entries.delete(this.namespace, keys);
  }

  async clear(): Promise<void> {
    await this.#entries.clear(this.namespace);
  }

  async *iterator(namespace = this.namespace): AsyncGenerator<[key: string, value: string], void> {
    const keys = await this.#entries.keys(namespace);
    for (let from = 0; from < keys.length; from += PAGE_SIZE) {
      const page = keys.slice(from, from + PAGE_SIZE);
      for (const [index, value] of (await this.#entries.values(namespace, page)).entries()) {
        // Gone between the listing of keys and the reading of values.
        if (value !== undefined) yield [page[index] ?? '', value];
      }
    }
  }
}

/** All that a Keyv of ours has, by key. */
export async function* entriesOf(keyv: Keyv): AsyncGenerator<[key: string, stored: unknown]> {
  const entries = keyv.iterator?.(undefined) as AsyncIterable<[string, unknown]> | undefined;
  yield* entries ?? [];
}

/** Keyv's own key prefix is off: a store keeps namespaces apart by itself. */
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

/** A value that is no JSON is read as null, which none of ours is: one bad entry breaks no listing of the others. */
function readLoosely(keyv: Keyv, onUnreadable: (reason: string) => void): void {
  const { deserialize } = keyv;
  if (deserialize === undefined) return;
  keyv.deserialize = async <Value>(text: string) => {
    try {
      const stored = await deserialize<Value>(text);
      if (typeof stored === 'object' && stored !== null) return stored;
      onUnreadable('not what Keyv writes');
    } catch (error) {
      // Its message shows what stands there, such as code.
      onUnreadable(error instanceof Error ? error.name : 'no JSON');
    }
    return deserialize<Value>('{"value":null}');
  };
}
