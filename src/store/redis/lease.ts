import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { StoreError } from '../../errors.ts';
import type { Handover, LeaderLease, LeaseAnswer } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { migrateStore, STORE_VERSION } from './migration.ts';

const KINDS = z.enum(['held', 'taken', 'left', 'oldVersion', 'newer']);
const ANSWER = z.tuple([KINDS, z.number(), z.string()], z.string());

/** What is wanted or offered is looked at within a few seconds, or is stale. */
const FRESH_MS = 15_000;
/** Two processes that each miss something would give way to each other for ever. */
const AGAIN_MS = 10 * 60_000;

/** One key that ends by Redis' own clock, so that the clocks of two processes need not agree: "<epoch> <holder>". */
export class RedisLease implements LeaderLease {
  readonly holder = randomUUID();
  /** Three keys that end by themselves: what the leader misses, what a standby reaches, and that one has given way. */
  readonly handover: Handover;
  readonly #redis: RedisConnection;
  #epoch = 0;
  /** The store had a leader and a version when this standby saw it last. */
  #isKnown = false;
  /** Redis has not answered this standby since: for its leader it was away as well, and its lease may have run out meanwhile. */
  #wasAway = false;
  /**
   * By `performance.now()`: a store that was emptied or away is left until then to its leader, which alone can write back what
   * is lost, and has heard what its kernels said.
   */
  #leftUntil: number | undefined;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
    this.handover = {
      onWanted: undefined,
      seekSuccessor: async (part) => (await redis.write(z.number(), 'seekSuccessor', part, FRESH_MS)) === 1,
      offer: async (part) => void (await redis.read(z.null(), 'offer', part, FRESH_MS)),
      giveWay: async (part) => void (await redis.write(z.null(), 'giveWay', part, AGAIN_MS)),
    };
  }

  async acquire(ttlMs: number): Promise<LeaseAnswer> {
    const now = performance.now();
    const waits = this.#isKnown && now < (this.#leftUntil ?? Infinity);
    const leaves = !waits ? 'none' : this.#wasAway ? 'free' : 'emptied';
    const given = [this.holder, ttlMs, this.#epoch, this.#redis.oldChannel, STORE_VERSION, leaves];
    const [kind, value, version, wanted] = await this.#redis
      .read(ANSWER, 'acquire', ...given)
      .catch((error: unknown) => {
        this.#wasAway = true;
        throw error;
      });
    checkVersion(version);
    if (kind === 'left') {
      this.#leftUntil ??= now + ttlMs;
      return { kind: 'taken' };
    }
    this.#leftUntil = undefined;
    this.#wasAway = false;
    this.#isKnown = kind === 'taken' && version !== '';
    if (kind === 'taken') {
      // What the leader's record says when a standby asks for the lease.
      if (wanted === 'slack' || wanted === 'gateway') this.handover.onWanted?.(wanted);
      return { kind };
    }
    if (kind !== 'held') return { kind: 'oldVersion' };
    this.#epoch = value;
    this.#redis.fence = `${value} ${this.holder}`;
    if (version === '') await this.#migrate(ttlMs);
    return { kind, epoch: value };
  }

  async renew(ttlMs: number): Promise<'held' | 'taken' | 'missing'> {
    const answer = z.enum(['held', 'taken', 'missing']);
    return this.#redis.read(answer, 'renew', this.#redis.fence, ttlMs);
  }

  async release(): Promise<void> {
    await this.#redis.read(z.null(), 'release', this.#redis.fence);
  }

  async #migrate(ttlMs: number): Promise<void> {
    try {
      await migrateStore(this.#redis, ttlMs);
    } catch (error) {
      // It ends by itself where Redis is away.
      await this.release().catch(() => undefined);
      throw error;
    }
  }
}

/** Throws `refused` for a store that a newer version has written. */
export function checkVersion(version: string): void {
  if (Number(version) <= STORE_VERSION) return;
  throw new StoreError(
    'refused',
    `The store was written by a newer Sparkthread (it is version ${version}, this one knows ${STORE_VERSION}). Start the newer one, or give STORE_URL another database.`,
  );
}
