import type { StatementSync } from 'node:sqlite';
import type { SqliteLease } from './database.ts';

/** `value` is text: Keyv's serializer is always on. `ttl` in ms. */
interface Entry {
  key: string;
  value: string;
  ttl?: number | undefined;
}

/** A page of an iteration: no statement stays open while the caller awaits between two entries. */
const PAGE_SIZE = 100;

/** Keyv over one table. Each Keyv has its own adapter: `namespace` is set by Keyv and is part of the table's key. */
export class SqliteKeyv {
  /** Keyv gives an iterator only to adapters of dialects that it knows. */
  readonly opts = { dialect: 'sqlite', url: 'sqlite:' };
  namespace: string | undefined;
  readonly #lease: SqliteLease;
  readonly #select: StatementSync;
  readonly #upsert: StatementSync;
  readonly #delete: StatementSync;
  readonly #clear: StatementSync;
  readonly #page: StatementSync;
  readonly #expire: StatementSync;

  constructor(lease: SqliteLease) {
    const { db } = lease;
    this.#lease = lease;
    const alive = '(expires IS NULL OR expires > ?)';
    this.#select = db.prepare(`SELECT value FROM keyv WHERE namespace = ? AND key = ? AND ${alive}`);
    this.#upsert = db.prepare(
      'INSERT OR REPLACE INTO keyv (namespace, key, value, expires) VALUES (?, ?, ?, ?)',
    );
    this.#delete = db.prepare('DELETE FROM keyv WHERE namespace = ? AND key = ?');
    this.#clear = db.prepare('DELETE FROM keyv WHERE namespace = ?');
    this.#page = db.prepare(
      `SELECT key, value FROM keyv WHERE namespace = ? AND key > ? AND ${alive} ORDER BY key LIMIT ${PAGE_SIZE}`,
    );
    this.#expire = db.prepare('DELETE FROM keyv WHERE expires <= ?');
  }

  async get(key: string): Promise<string | undefined> {
    return this.#lease.read(() => this.#read(key));
  }

  async getMany(keys: string[]): Promise<(string | undefined)[]> {
    return this.#lease.read(() => keys.map((key) => this.#read(key)));
  }

  async set(key: string, value: string, ttl?: number): Promise<boolean> {
    await this.setMany([{ key, value, ttl }]);
    return true;
  }

  /** All or none. */
  async setMany(entries: Entry[]): Promise<boolean[]> {
    return this.#lease.write(() => {
      const now = Date.now();
      this.#expire.run(now);
      for (const { key, value, ttl } of entries) {
        const expires = ttl === undefined ? null : Math.ceil(now + ttl);
        this.#upsert.run(this.#space, key, value, expires);
      }
      return entries.map(() => true);
    });
  }

  async has(key: string): Promise<boolean> {
    return this.#lease.read(() => this.#read(key) !== undefined);
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    return this.#lease.read(() => keys.map((key) => this.#read(key) !== undefined));
  }

  async delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  /** True when any of the keys was there. */
  async deleteMany(keys: string[]): Promise<boolean> {
    return this.#lease.write(() => {
      let deleted = 0;
      for (const key of keys) deleted += Number(this.#delete.run(this.#space, key).changes);
      return deleted > 0;
    });
  }

  async clear(): Promise<void> {
    this.#lease.write(() => this.#clear.run(this.#space));
  }

  async *iterator(namespace = this.#space): AsyncGenerator<[key: string, value: string], void> {
    let after = '';
    for (;;) {
      const page = this.#lease.read(() => this.#page.all(namespace, after, Date.now()));
      for (const row of page) yield [String(row['key']), String(row['value'])];
      if (page.length < PAGE_SIZE) return;
      after = String(page.at(-1)?.['key']);
    }
  }

  get #space(): string {
    return this.namespace ?? '';
  }

  #read(key: string): string | undefined {
    const row = this.#select.get(this.#space, key, Date.now());
    return row === undefined ? undefined : String(row['value']);
  }
}
