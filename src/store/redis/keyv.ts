import * as z from 'zod';
import type { RedisConnection } from './connection.ts';
import { PREFIX } from './scripts.ts';

/** `value` is text: Keyv's serializer is always on. `ttl` in ms. */
interface Entry {
  key: string;
  value: string;
  ttl?: number | undefined;
}

/** How many values are asked for at once while iterating. */
const PAGE_SIZE = 100;

/**
 * Keyv over one key per entry, which ends by itself, and one index per namespace: listing a namespace costs the same
 * however many other keys this Redis has. @keyv/redis lists by SCAN over all of them, and its writes know no fence.
 */
export class RedisKeyv {
  /** Keyv gives an iterator only to adapters of dialects that it knows. */
  readonly opts = { dialect: 'redis', url: 'redis:' };
  /** Set by Keyv. */
  namespace: string | undefined;
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.getMany([key]))[0];
  }

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return this.#values(this.#space, keys);
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.setMany([{ key, value, ttl }]);
    return true;
  }

  /** All or none. */
  async setMany(entries: Entry[]): Promise<boolean[]> {
    const given = entries.flatMap(({ key, value, ttl }) => [key, value, wholeMs(ttl)]);
    await this.#redis.write(z.null(), 'setEntries', this.#space, ...given);
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

  /** True when any of the keys was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return (await this.#redis.write(z.number(), 'deleteEntries', this.#space, ...keys)) > 0;
  }

  async clear(): Promise<void> {
    const keys = await this.#keys(this.#space);
    for (let from = 0; from < keys.length; from += PAGE_SIZE) {
      await this.deleteMany(keys.slice(from, from + PAGE_SIZE));
    }
    // Refused without the lease also where there is nothing to delete.
    if (keys.length === 0) await this.deleteMany([]);
  }

  async *iterator(namespace = this.namespace): AsyncGenerator<[key: string, value: string], void> {
    const space = spaceOf(namespace);
    const keys = await this.#keys(space);
    for (let from = 0; from < keys.length; from += PAGE_SIZE) {
      const page = keys.slice(from, from + PAGE_SIZE);
      for (const [index, value] of (await this.#values(space, page)).entries()) {
        // Gone between the listing of keys and the reading of values.
        if (value !== undefined) yield [page[index] ?? '', value];
      }
    }
  }

  get #space(): string {
    return spaceOf(this.namespace);
  }

  async #keys(space: string): Promise<string[]> {
    return this.#redis.read(z.array(z.string()), 'listEntries', space);
  }

  async #values(space: string, keys: readonly string[]): Promise<(string | undefined)[]> {
    if (keys.length === 0) return [];
    const stored = keys.map((key) => `${PREFIX}keyv:${space}:${key}`);
    const values = await this.#redis.call(() => this.#redis.client.mGet(stored));
    return values.map((value) => value ?? undefined);
  }
}

/** No namespace is the beginning of another's keys. */
function spaceOf(namespace: string | undefined): string {
  return encodeURIComponent(namespace ?? '');
}

/** Redis takes whole milliseconds, at least one. */
function wholeMs(ttl: number | undefined): number | '' {
  return ttl === undefined ? '' : Math.max(1, Math.ceil(ttl));
}
