import { StoreError } from '../errors.ts';

/** Nothing is sent to a kernel or to Slack with less of the lease left, because a request takes time to arrive. */
const MARGIN_MS = 2_000;
/** If this process's own tick is later than this, the process stood still (SIGSTOP, a suspended machine). */
const MAX_GAP_MS = 3_000;

export interface Clock {
  /** Monotonic, in ms. It may stop while the machine is suspended. */
  now(): number;
  /** ms since the epoch. Somebody may set this clock. */
  wall(): number;
}

export type ClockReading = ReturnType<LeaseClock['read']>;

const REAL_CLOCK: Clock = { now: () => performance.now(), wall: () => Date.now() };

/** Tells by the process's two clocks whether its lease can still be valid. */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** By `now()`: before this time no other process can have the lease. */
  #validUntil = -Infinity;
  #tickedAt = { now: 0, wall: 0 };

  constructor(ttlMs: number, clock: Clock = REAL_CLOCK) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** Reads both clocks, for `hold` and `hasStoodStill`. */
  read(): { now: number; wall: number } {
    return { now: this.#clock.now(), wall: this.#clock.wall() };
  }

  /** The store has granted the lease. It was asked at `since`. */
  hold(since: Pick<ClockReading, 'now'>): void {
    this.#validUntil = since.now + this.#ttlMs;
  }

  tick(): void {
    this.#tickedAt = this.read();
  }

  hasStoodStill(since = this.#tickedAt): boolean {
    const { now, wall } = this.read();
    return now - since.now > MAX_GAP_MS || wall - since.wall > MAX_GAP_MS;
  }

  /** True after a third of the lease. */
  renewalIsDue(): boolean {
    return this.#clock.now() >= this.#validUntil - (this.#ttlMs * 2) / 3;
  }

  /** Why the lease may be lost; undefined if it is surely valid. */
  findDoubt(): string | undefined {
    if (this.hasStoodStill()) return 'this process stood still';
    return this.#clock.now() > this.#validUntil - MARGIN_MS ? 'it was not renewed in time' : undefined;
  }
}

/** The error of a write or a wait in a process that has lost its lease. */
export function notLeader(): StoreError {
  return new StoreError('notLeader', 'This process does not hold the leader lease any more.');
}
