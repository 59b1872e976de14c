import { StoreError } from '../errors.ts';

/** Nothing is sent to kernel or Slack with less of the lease left: what was sent needs the time to arrive. */
const MARGIN_MS = 2_000;
/** This process stood still (SIGSTOP, a suspended machine) if its own tick is late by more. */
const MAX_GAP_MS = 3_000;

export interface Clock {
  /** Monotonic, in ms; it may stand still while the machine is suspended. */
  now(): number;
  /** ms since the epoch; it may be set. */
  wall(): number;
}

export type ClockReading = ReturnType<LeaseClock['read']>;

const REAL_CLOCK: Clock = { now: () => performance.now(), wall: () => Date.now() };

/** Whether a lease is surely this process's, by its own two clocks. */
export class LeaseClock {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** By `now()`: until then no other process can have the lease. */
  #validUntil = -Infinity;
  #tickedAt = { now: 0, wall: 0 };

  constructor(ttlMs: number, clock: Clock = REAL_CLOCK) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** Both clocks now, for `hold` and `hasStoodStill`. */
  read(): { now: number; wall: number } {
    return { now: this.#clock.now(), wall: this.#clock.wall() };
  }

  /** The store has granted the lease, asked at `since`. */
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

  /** A third of the lease is over. */
  renewalIsDue(): boolean {
    return this.#clock.now() >= this.#validUntil - (this.#ttlMs * 2) / 3;
  }

  findDoubt(): string | undefined {
    if (this.hasStoodStill()) return 'this process stood still';
    return this.#clock.now() > this.#validUntil - MARGIN_MS ? 'it was not renewed in time' : undefined;
  }
}

/** What a write or a wait gets from a process whose lease is over. */
export function notLeader(): StoreError {
  return new StoreError('notLeader', 'This process does not hold the leader lease any more.');
}
