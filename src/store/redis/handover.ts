import * as z from 'zod';
import type { Handover, Part } from '../store.ts';
import type { RedisConnection } from './connection.ts';

/** What is wanted or offered is looked at within a few seconds, or is stale. */
const FRESH_MS = 15_000;
/** Two processes that each miss something would give way to each other for ever. */
const AGAIN_MS = 10 * 60_000;

/** Three keys that end by themselves: what the leader misses, what a standby reaches, and that one has given way. */
export class RedisHandover implements Handover {
  onWanted: ((part: Part) => void) | undefined;
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  async seekSuccessor(part: Part): Promise<boolean> {
    return (await this.#redis.write(z.number(), 'seekSuccessor', part, FRESH_MS)) === 1;
  }

  async offer(part: Part): Promise<void> {
    await this.#redis.read(z.null(), 'offer', part, FRESH_MS);
  }

  async giveWay(part: Part): Promise<void> {
    await this.#redis.write(z.null(), 'giveWay', part, AGAIN_MS);
  }

  /** What the leader's record says when a standby asks for the lease. */
  noteWanted(wanted: string | undefined): void {
    if (wanted === 'slack' || wanted === 'gateway') this.onWanted?.(wanted);
  }
}
