import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import { pause } from '../waits.ts';
import { type Clock, type ClockReading, LeaseClock, notLeader } from './lease-clock.ts';
import type { LeaderLease } from './store.ts';

const LEASE_MS = 12_000;
const TICK_MS = 1_000;

export interface LeadershipOptions {
  log: Log;
  clock?: Clock;
  /** Another process has the lease. Called once. */
  onLost: (why: string) => void;
  /**
   * The record was gone and this process has taken a new lease: what the store lost has to be written back. Called again
   * each second until it resolves; nothing else is sure before.
   */
  onEmptied: () => Promise<void>;
  /** Another process leads, and this one waits for its turn. */
  onStandby: () => void;
}

/** standby → leading ⇄ inDoubt → lost; released by the process itself. */
export type LeadershipState = 'standby' | 'leading' | 'inDoubt' | 'lost' | 'released';

/**
 * Whether this process may act, by the lease and by its own clocks. A store fences its own writes; kernels and Slack do
 * not, so `mayWrite` is asked right before each write to them.
 */
export class Leadership {
  readonly #lease: LeaderLease;
  readonly #log: Log;
  readonly #clock: LeaseClock;
  readonly #onLost: (why: string) => void;
  readonly #onEmptied: () => Promise<void>;
  readonly #onStandby: () => void;
  #state: LeadershipState = 'standby';
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #content: 'whole' | 'emptied' | 'restoring' | 'emptiedAgain' = 'whole';
  #waiters: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  #lastWord = '';

  constructor(lease: LeaderLease, options: LeadershipOptions) {
    this.#lease = lease;
    this.#log = options.log;
    this.#clock = new LeaseClock(LEASE_MS, options.clock);
    this.#onLost = options.onLost;
    this.#onEmptied = options.onEmptied;
    this.#onStandby = options.onStandby;
  }

  get state(): LeadershipState {
    return this.#state;
  }

  /**
   * Asks for the lease once a second until this process has it. Rejects with the signal's reason, or `StoreError`
   * (`refused`) on a store that a newer version has written.
   */
  async waitForTurn(signal: AbortSignal): Promise<{ epoch: number }> {
    for (;;) {
      signal.throwIfAborted();
      const epoch = await this.#tryToLead();
      if (epoch !== undefined) {
        if (signal.aborted) await this.release();
        signal.throwIfAborted();
        return { epoch };
      }
      if (this.#isEnded()) throw notLeader();
      await pause(TICK_MS, signal);
    }
  }

  /** Answers at once, by the clocks alone. False begins to ask the store. */
  mayWrite(): boolean {
    if (this.#state !== 'leading') return false;
    const doubt = this.#clock.findDoubt();
    if (doubt === undefined) return true;
    this.#beInDoubt(doubt);
    void this.#ask();
    return false;
  }

  /** Resolves when `mayWrite` is true; rejects with `notLeader` once the lease is lost or released. */
  async whenSure(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.mayWrite()) return;
    if (this.#isEnded()) throw notLeader();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal?.reason);
    this.#waiters.push({ resolve, reject });
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends it in order: the next process gets the lease at once. */
  async release(): Promise<void> {
    if (this.#isEnded()) return;
    this.#end('released');
    // An answer that is under way must not take the lease again after this.
    await this.#renewing;
    await this.#lease.release().catch((error: unknown) => {
      this.#log.warn(
        { event: 'leader.unreleased', err: error },
        'the leader lease could not be released; it ends by itself',
      );
    });
  }

  async #tryToLead(): Promise<number | undefined> {
    const askedAt = this.#clock.read();
    try {
      const answer = await this.#lease.acquire(LEASE_MS);
      if (answer.kind === 'held') {
        this.#clock.hold(askedAt);
        return await this.#beginToLead(answer.epoch, askedAt);
      }
      if (answer.kind === 'taken') {
        if (this.#say('another process leads; this one stands by')) this.#onStandby();
      } else this.#say('0.1.0 processes still work on this store: stop them first');
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'refused') throw error;
      this.#say(`the leader lease cannot be asked for: ${error.message}`);
    }
    return undefined;
  }

  async #beginToLead(epoch: number, askedAt: ClockReading): Promise<number | undefined> {
    // The lease may be over: a migration took minutes, or the machine was suspended before the answer came.
    if (this.#clock.renewalIsDue() || this.#clock.hasStoodStill(askedAt)) {
      const renewedAt = this.#clock.read();
      if ((await this.#lease.renew(LEASE_MS)) !== 'held') return undefined;
      if (this.#clock.hasStoodStill(renewedAt)) return undefined;
      this.#clock.hold(renewedAt);
    }
    if (this.#isEnded()) {
      await this.#lease.release();
      return undefined;
    }
    this.#log.info({ event: 'leader.elected', epoch }, 'this process leads');
    this.#clock.tick();
    this.#state = 'leading';
    this.#lastWord = '';
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
    return epoch;
  }

  #tick(): void {
    const doubt = this.#clock.findDoubt();
    if (doubt !== undefined && this.#state === 'leading') this.#beInDoubt(doubt);
    this.#clock.tick();
    if (this.#state === 'inDoubt' || this.#clock.renewalIsDue()) void this.#ask();
    if (this.#isEnded()) return;
    this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  #beInDoubt(why: string): void {
    this.#state = 'inDoubt';
    this.#say(`the leader lease is in doubt: ${why}`);
  }

  async #ask(): Promise<void> {
    // The answer to a question from before a standstill says nothing of the time after it; the next tick asks again.
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const askedAt = this.#clock.read();
    try {
      let answer: string = await this.#lease.renew(LEASE_MS);
      if (answer === 'missing' && !this.#isEnded()) {
        this.#beInDoubt('the store has no record of it');
        const acquired = await this.#lease.acquire(LEASE_MS);
        if (acquired.kind === 'held') this.#noteEmptied();
        answer = acquired.kind;
      }
      if (this.#isEnded()) return;
      if (answer === 'taken') {
        this.#end('lost');
        this.#onLost('another process has taken the leader lease');
      } else if (answer === 'oldVersion') this.#beInDoubt('0.1.0 processes still work on this store');
      else if (!this.#clock.hasStoodStill(askedAt)) this.#beSure(askedAt);
    } catch (error) {
      if (!this.#isEnded()) this.#beInDoubt(error instanceof Error ? error.message : String(error));
    }
  }

  #beSure(askedAt: ClockReading): void {
    this.#clock.hold(askedAt);
    if (this.#content === 'emptied') void this.#restore();
    this.#clock.tick();
    if (this.#content !== 'whole' || this.#clock.findDoubt() !== undefined) return;
    if (this.#state === 'inDoubt') this.#say('the leader lease is sure again');
    this.#state = 'leading';
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  async #restore(): Promise<void> {
    this.#content = 'restoring';
    try {
      await this.#onEmptied();
      this.#settle('whole');
      if (!this.#isEnded()) void this.#ask();
    } catch (error) {
      this.#settle('emptied');
      this.#log.error(
        { event: 'store.unwritten', err: error },
        'what the store lost could not be written back; it is tried again',
      );
    }
  }

  /** One writing back at a time: another one follows it. */
  #noteEmptied(): void {
    const isIdle = this.#content === 'whole' || this.#content === 'emptied';
    this.#content = isIdle ? 'emptied' : 'emptiedAgain';
  }

  #settle(content: 'whole' | 'emptied'): void {
    this.#content = this.#content === 'emptiedAgain' ? 'emptied' : content;
  }

  #end(state: 'lost' | 'released'): void {
    this.#state = state;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiters.splice(0)) reject(notLeader());
  }

  #isEnded(): boolean {
    return this.#state === 'lost' || this.#state === 'released';
  }

  /** The same is not logged twice in a row. True where it was. */
  #say(text: string): boolean {
    if (text === this.#lastWord) return false;
    this.#lastWord = text;
    this.#log.info({ event: 'leader.told' }, text);
    return true;
  }
}
