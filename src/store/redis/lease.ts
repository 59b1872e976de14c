import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { StoreError } from '../../errors.ts';
import type { Handover, LeaderLease, LeaseAnswer } from '../store.ts';
import type { RedisConnection } from './connection.ts';
import { migrateStore, STORE_VERSION } from './migration.ts';

const KINDS = z.enum(['held', 'taken', 'deferred', 'oldVersion', 'newer']);
const ANSWER = z.tuple([KINDS, z.number(), z.string()], z.string());

/** A request for a successor, and an offer, are answered within a few seconds or expire. */
const FRESH_MS = 15_000;
/** The least time between two handovers: two processes that each miss something would otherwise alternate for ever. */
const AGAIN_MS = 10 * 60_000;

const NO_DEFERRAL = { when: 'none', untilMs: Infinity } as const;

/** One key, "<epoch> <holder>", that expires by Redis' own clock, so that the clocks of two processes need not agree. */
export class RedisLease implements LeaderLease {
  readonly holder = randomUUID();
  /** Three keys that expire: what the leader misses, what a standby reaches, and that a leader has given way. */
  readonly handover: Handover;
  readonly #redis: RedisConnection;
  #epoch = 0;
  /**
   * When this standby, which has seen another leader, leaves a free lease to it: if the store was `emptied`, or, once Redis has
   * failed to answer, always, because probably the leader got no answer either and its lease expired. Only that process can
   * write back what was lost, and it has the output that its kernels sent meanwhile. `untilMs` is by `performance.now()`.
   */
  #deferral: { when: 'none' | 'emptied' | 'free'; untilMs: number } = NO_DEFERRAL;

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
    const { when, untilMs } = this.#deferral;
    const defers = now < untilMs ? when : 'none';
    const given = [this.holder, ttlMs, this.#epoch, this.#redis.oldChannel, STORE_VERSION, defers];
    const [kind, value, version, wanted] = await this.#redis
      .read(ANSWER, 'acquire', ...given)
      .catch((error: unknown) => {
        if (when !== 'none') this.#deferral = { when: 'free', untilMs };
        throw error;
      });
    checkVersion(version);
    if (kind === 'deferred') {
      this.#deferral = { when, untilMs: Math.min(untilMs, now + ttlMs) };
      return { kind: 'taken' };
    }
    const isStandby = kind === 'taken' && version !== '';
    this.#deferral = isStandby ? { when: 'emptied', untilMs: Infinity } : NO_DEFERRAL;
    if (kind === 'taken') {
      // A standby learns here what the leader misses.
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
      // If Redis does not answer, the lease expires by itself.
      await this.release().catch(() => undefined);
      throw error;
    }
  }
}

/** Throws `newer` if a newer version has written the store. */
export function checkVersion(version: string): void {
  if (Number(version) <= STORE_VERSION) return;
  throw new StoreError(
    'newer',
    `The store was written by a newer Sparkthread (it is version ${version}, this one knows ${STORE_VERSION}). Start the newer one, or set STORE_URL to another database.`,
  );
}
