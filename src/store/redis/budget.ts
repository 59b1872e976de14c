import * as z from 'zod';
import { StoreError } from '../../errors.ts';
import { withinMs } from '../timeout.ts';
import type { RedisConnection } from './redis-connection.ts';

/** So many takes in any window, by all processes together. Times in ms. */
export interface BudgetLimits {
  takes: number;
  windowMs: number;
  /** Nobody takes `live` more often than this. */
  gapMs: number;
  /** Who asked within this time wants its share. */
  wantingMs: number;
  /** A process that said nothing for so long is gone; nothing is kept back for it any more. */
  lapseMs: number;
}

/** What one process says, and what it asks for. */
export interface BudgetStep {
  /** Its id, new with each start. */
  process: string;
  /** How many of its takers are open: one take is kept back for the end of each. */
  open: number;
  /** Takes that the store does not know of yet: how long ago each was. */
  spentAgesMs: number[];
  /** Nobody takes for so long; 0: no pause. */
  pauseMs: number;
  /** A taker that asks no more. */
  closed?: string;
  /** `live` takes leave the kept ones alone. `idleMs`: since its last take. */
  take?: { by: string; use: 'live' | 'end'; idleMs?: number };
  limits: BudgetLimits;
  /** By default Redis' own clock, so that the clocks of two processes need not agree. */
  nowMs?: number;
}

export interface BudgetShare {
  /** 0: taken. Else nothing was taken, ask again in so long. */
  waitMs: number;
  /** How long a fair taker lets pass between two `live` takes. */
  gapMs: number;
  /** How many processes have open takers, this one included. */
  processes: number;
}

const share = z.tuple([z.number(), z.number(), z.number()]);

/** Whoever waits for a take would rather count by itself than wait longer. */
const patienceMs = 500;

/** Budgets that processes share; what was taken outlives who took it. One atomic step each (redis-budget-script.ts). */
export class RedisBudget {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** Rejects with `StoreError` when Redis gives no answer within half a second; it may have been counted all the same. */
  async step(name: string, step: BudgetStep): Promise<BudgetShare> {
    const answer = await withinMs(
      this.#redis.run('shareBudget', name, JSON.stringify(step)),
      patienceMs,
      'The shared budget',
    );
    const read = share.safeParse(answer);
    if (!read.success) throw new StoreError('refused', 'Redis answered shareBudget with what no budget is.');
    const [waitMs, gapMs, processes] = read.data;
    return { waitMs, gapMs, processes };
  }
}
