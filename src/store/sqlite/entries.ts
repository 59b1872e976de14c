import type { Entries, Entry } from '../keyv.ts';
import type { SqliteLease } from './database.ts';

/** Keyv's entries in one table for all namespaces. */
export class SqliteEntries implements Entries {
  readonly #lease: SqliteLease;
  readonly #sql: ReturnType<typeof prepareEntries>;

  constructor(lease: SqliteLease) {
    this.#lease = lease;
    this.#sql = prepareEntries(lease);
  }

  async values(namespace: string, keys: readonly string[]): Promise<(string | undefined)[]> {
    return this.#lease.read(() =>
      keys.map((key) => {
        const row = this.#sql.select.get(namespace, key, Date.now());
        return row && String(row['value']);
      }),
    );
  }

  async set(namespace: string, { key, value, ttl }: Entry): Promise<void> {
    this.#lease.write(() => {
      const now = Date.now();
      this.#sql.expire.run(now);
      this.#sql.upsert.run(namespace, key, value, ttl === undefined ? null : Math.ceil(now + ttl));
    });
  }

  async delete(namespace: string, key: string): Promise<boolean> {
    return this.#lease.write(() => this.#sql.delete.run(namespace, key).changes === 1);
  }

  async clear(namespace: string): Promise<void> {
    this.#lease.write(() => this.#sql.clear.run(namespace));
  }

  async keys(namespace: string): Promise<string[]> {
    return this.#lease.read(() => this.#sql.keys.all(namespace, Date.now()).map((row) => String(row['key'])));
  }
}

function prepareEntries({ db }: SqliteLease) {
  const alive = '(expires IS NULL OR expires > ?)';
  return {
    select: db.prepare(`SELECT value FROM keyv WHERE namespace = ? AND key = ? AND ${alive}`),
    keys: db.prepare(`SELECT key FROM keyv WHERE namespace = ? AND ${alive} ORDER BY key`),
    upsert: db.prepare('INSERT OR REPLACE INTO keyv (namespace, key, value, expires) VALUES (?, ?, ?, ?)'),
    delete: db.prepare('DELETE FROM keyv WHERE namespace = ? AND key = ?'),
    clear: db.prepare('DELETE FROM keyv WHERE namespace = ?'),
    expire: db.prepare('DELETE FROM keyv WHERE expires <= ?'),
  };
}
