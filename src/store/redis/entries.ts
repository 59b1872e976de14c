import * as z from 'zod';
import type { Entries, Entry } from '../keyv.ts';
import type { RedisConnection } from './connection.ts';
import { PREFIX } from './scripts.ts';

/**
 * One key for each entry, which expires by itself, and one index for each namespace, so that listing a namespace does not
 * depend on how many other keys this Redis has. @keyv/redis lists with SCAN over all keys, and its writes need no lease.
 */
export class RedisEntries implements Entries {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async values(namespace: string, keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const stored = keys.map((key) => `${PREFIX}keyv:${encodeURIComponent(namespace)}:${key}`);
    const values = await this.#redis.call(() => this.#redis.client.mGet(stored));
    return values.map((value) => value ?? undefined);
  }

  async set(namespace: string, { key, value, ttl }: Entry): Promise<void> {
    await this.#redis.write(z.null(), 'setEntry', encodeURIComponent(namespace), key, value, wholeMs(ttl));
  }

  async delete(namespace: string, key: string): Promise<boolean> {
    return (await this.#redis.write(z.number(), 'deleteEntry', encodeURIComponent(namespace), key)) === 1;
  }

  async clear(namespace: string): Promise<void> {
    await this.#redis.write(z.null(), 'clearEntries', encodeURIComponent(namespace));
  }

  async keys(namespace: string): Promise<string[]> {
    return this.#redis.read(z.array(z.string()), 'listEntries', encodeURIComponent(namespace));
  }
}

/** Redis takes only whole milliseconds, at least one. */
function wholeMs(ttl: number | undefined): number | '' {
  return ttl === undefined ? '' : Math.max(1, Math.ceil(ttl));
}
