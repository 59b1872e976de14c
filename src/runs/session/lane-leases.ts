import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { RunData } from '../run.ts';

/** Who may work on a lane and connect its kernel's socket: two owners of one session evict each other (protocol.md §2.2). */
export interface LaneLeases {
  /** True: ours until dropped or lost. */
  hold(lane: string): Promise<boolean>;
  /** Whether this process holds it now. */
  isHeld(lane: string): boolean;
  /** Whether it is certain at this moment that no other process holds it: one that stood still finds out later. */
  isCertain(lane: string): boolean;
  drop(lane: string): Promise<void>;
  close(): Promise<void>;
}

/** Leases for a store that only this process uses: everything is ours. */
export const soleLeases: LaneLeases = {
  hold: async () => true,
  isHeld: () => true,
  isCertain: () => true,
  drop: async () => {},
  close: async () => {},
};

export interface SharedLeasesOptions {
  ledger: Ledger<RunData>;
  /** Unique per process. */
  owner: string;
  ttlMs: number;
  /** The lease cannot be kept: whatever is connected has to be closed now, before it ends. */
  onLost: (lane: string) => void;
  log: Log;
}

/** How long before its end a lease that could not be renewed is given up, in parts of its life. */
const GIVE_UP_BEFORE = 1 / 4;
const RENEW_EVERY = 1 / 4;

/** Leases in a store that several processes share. Renewed while held; given up in time when that fails. */
export class SharedLeases implements LaneLeases {
  readonly #options: SharedLeasesOptions;
  readonly #held = new Map<string, { untilMs: number; renewal: NodeJS.Timeout }>();

  constructor(options: SharedLeasesOptions) {
    this.#options = options;
  }

  /** The lanes that this process holds. */
  get held(): string[] {
    return [...this.#held.keys()];
  }

  isHeld(lane: string): boolean {
    return this.#held.has(lane);
  }

  isCertain(lane: string): boolean {
    const held = this.#held.get(lane);
    return held !== undefined && Date.now() < held.untilMs;
  }

  async hold(lane: string): Promise<boolean> {
    if (this.#held.has(lane)) return true;
    const untilMs = await this.#ask(lane);
    if (untilMs === undefined) return false;
    this.#keep(lane, untilMs);
    return true;
  }

  async #ask(lane: string): Promise<number | undefined> {
    const { ledger, owner, ttlMs } = this.#options;
    const now = Date.now();
    const lease = await ledger.lease(leaseName(lane), owner, ttlMs, now);
    // Counted from before the question: the store's own end is never earlier.
    return lease.owner === owner ? now + ttlMs : undefined;
  }

  #keep(lane: string, untilMs: number): void {
    clearTimeout(this.#held.get(lane)?.renewal);
    const renewal = setTimeout(() => void this.#renew(lane), this.#options.ttlMs * RENEW_EVERY);
    this.#held.set(lane, { untilMs, renewal });
  }

  async #renew(lane: string): Promise<void> {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    // It may have been another's meanwhile, even if it is free again.
    if (Date.now() >= held.untilMs) return this.#lose(lane);
    try {
      const untilMs = await this.#ask(lane);
      if (!this.#held.has(lane)) return;
      if (untilMs === undefined) this.#lose(lane);
      else this.#keep(lane, untilMs);
    } catch (error) {
      const { ttlMs, log } = this.#options;
      const mustEndAt = held.untilMs - ttlMs * GIVE_UP_BEFORE;
      log.warn({ err: error, lane }, 'a lease could not be renewed');
      if (Date.now() >= mustEndAt) this.#lose(lane);
      else this.#again(lane, held.untilMs, Math.min(1_000, mustEndAt - Date.now()));
    }
  }

  #again(lane: string, untilMs: number, waitMs: number): void {
    if (!this.#held.has(lane)) return;
    this.#held.set(lane, { untilMs, renewal: setTimeout(() => void this.#renew(lane), Math.max(0, waitMs)) });
  }

  #lose(lane: string): void {
    clearTimeout(this.#held.get(lane)?.renewal);
    this.#held.delete(lane);
    this.#options.onLost(lane);
  }

  async drop(lane: string): Promise<void> {
    const held = this.#held.get(lane);
    if (held === undefined) return;
    clearTimeout(held.renewal);
    this.#held.delete(lane);
    const { ledger, owner, log } = this.#options;
    await ledger
      .release(leaseName(lane), owner)
      .catch((error: unknown) =>
        log.warn({ err: error, lane }, 'a lease was not released; it ends by itself'),
      );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys()].map((lane) => this.drop(lane)));
  }
}

function leaseName(lane: string): string {
  return `lane/${lane}`;
}
