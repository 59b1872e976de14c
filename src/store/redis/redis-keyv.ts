import KeyvRedis from '@keyv/redis';
import type { RedisConnection } from './redis-connection.ts';
import { ledgerPrefix } from './redis-scripts.ts';

/** `value` is text: Keyv's serializer is always on. `ttl` in ms. */
interface Entry {
  key: string;
  value: string;
  ttl?: number | undefined;
}

/**
 * @keyv/redis on the store's own connection, with every call bounded and every failure told: alone it waits without end
 * while Redis is away, keeps batches for later, and swallows what goes wrong in `clear`.
 */
export class RedisKeyv {
  /** Keyv gives an iterator only to adapters of dialects that it knows. */
  readonly opts = { dialect: 'redis', url: 'redis:' };
  readonly #redis: RedisConnection;
  readonly #inner: KeyvRedis<string>;
  #namespace: string | undefined;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.#inner = new KeyvRedis<string>(redis.client, { throwOnErrors: true });
    // It tells of each failure twice; the rejection is the one that is heard.
    this.#inner.on('error', () => undefined);
  }

  /** Set by Keyv. Its keys stand beside the ledger's, in the same slot. */
  get namespace(): string | undefined {
    return this.#namespace;
  }
  set namespace(namespace: string | undefined) {
    this.#namespace = namespace;
    this.#inner.namespace = innerNamespace(namespace);
  }

  async get(key: string): Promise<string | undefined> {
    return this.#redis.call(() => this.#inner.get<string>(key));
  }

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return this.#redis.call(() => this.#inner.getMany<string>(keys));
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.#redis.call(() => this.#inner.set(key, value, wholeMs(ttl)));
    return true;
  }

  /** All or none. */
  async setMany(entries: Entry[]): Promise<boolean[]> {
    const whole = entries.map(({ key, value, ttl }) => {
      const ttlMs = wholeMs(ttl);
      return ttlMs === undefined ? { key, value } : { key, value, ttl: ttlMs };
    });
    await this.#redis.call(() => this.#inner.setMany(whole));
    return entries.map(() => true);
  }

  async has(key: string): Promise<boolean> {
    return this.#redis.call(() => this.#inner.has(key));
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return this.#redis.call(() => this.#inner.hasMany(keys));
  }

  async delete(key: string): Promise<boolean> {
    return this.#redis.call(() => this.#inner.delete(key));
  }

  /** True when any of the keys was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return this.#redis.call(() => this.#inner.deleteMany(keys));
  }

  async clear(): Promise<void> {
    const failures: unknown[] = [];
    const note = (error: unknown) => failures.push(error);
    this.#inner.on('error', note);
    try {
      await this.#redis.call(async () => {
        await this.#inner.clear();
        if (failures.length > 0) throw failures[0];
      });
    } finally {
      this.#inner.off('error', note);
    }
  }

  async *iterator(namespace = this.#namespace): AsyncGenerator<[key: string, value: string], void> {
    const entries = this.#inner.iterator<string>(innerNamespace(namespace));
    for (;;) {
      const next = await this.#redis.call(() => entries.next());
      if (next.done) return;
      const [key, value] = next.value;
      // Gone between the listing of keys and the reading of values.
      if (value !== undefined) yield [key, value];
    }
  }
}

function innerNamespace(namespace: string | undefined): string {
  return `${ledgerPrefix}keyv:${namespace ?? ''}`;
}

/** Redis takes whole milliseconds, at least one. */
function wholeMs(ttl: number | undefined): number | undefined {
  return ttl === undefined ? undefined : Math.max(1, Math.ceil(ttl));
}
