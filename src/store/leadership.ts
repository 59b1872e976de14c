import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import { pause } from '../waits.ts';
import { type Clock, type ClockReading, LeaseClock, notLeader } from './lease-clock.ts';
import type { LeaderLease } from './store.ts';

const LEASE_MS = 12_000;
const TICK_MS = 1_000;
const OLD_PROCESSES = '0.1.0 processes still work on this store: stop them first';

export interface LeadershipOptions {
  log: Log;
  clock?: Clock;
  /** Called once, when another process has taken the lease. */
  onLost: () => void;
  /**
   * The store had lost the lease record, and this process has taken a new lease: what the store lost has to be written
   * back. Called every second until it resolves. Until then the lease stays in doubt.
   */
  onEmptied: () => Promise<void>;
  /** Called when this process begins to wait because another one leads. */
  onStandby: () => void;
}

/** standby → leading ⇄ inDoubt → lost; or released, by this process itself. */
export type LeadershipState = 'standby' | 'leading' | 'inDoubt' | 'lost' | 'released';

/**
 * Whether this process is the leader, by the store's lease and by its own clocks. The store rejects the writes of an old
 * leader by itself. Kernels and Slack cannot, so `mayWrite` is called right before each write to them.
 */
export class Leadership {
  readonly #lease: LeaderLease;
  readonly #options: LeadershipOptions;
  readonly #clock: LeaseClock;
  #state: LeadershipState = 'standby';
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;
  #content: 'whole' | 'emptied' | 'restoring' | 'emptiedAgain' = 'whole';
  #waiters: { resolve: () => void; reject: (reason: unknown) => void }[] = [];
  /** What was logged since the last change for the better: a state, and the causes of an outage. */
  readonly #told = new Set<string>();

  constructor(lease: LeaderLease, options: LeadershipOptions) {
    this.#lease = lease;
    this.#options = options;
    this.#clock = new LeaseClock(LEASE_MS, options.clock);
  }

  get state(): LeadershipState {
    return this.#state;
  }

  /**
   * Asks for the lease once a second until this process has it. Rejects with the signal's reason, or with `StoreError` if
   * the store refuses or a newer version has written it.
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

  /** Answers at once, by the clocks alone. If the lease is in doubt, it also starts to ask the store. */
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

  /** Gives the lease up, so that the next process gets it at once. */
  async release(): Promise<void> {
    if (this.#isEnded()) return;
    this.#end('released');
    // A renewal that is still pending must not take the lease again after the release.
    await this.#renewing;
    await this.#lease.release().catch((error: unknown) => {
      this.#options.log.warn(
        { event: 'leader.unreleased', err: error },
        'the leader lease could not be released; it expires by itself',
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
        if (this.#say('info', 'another process leads; this one stands by')) this.#options.onStandby();
      } else this.#say('warn', OLD_PROCESSES);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'newer' || error.code === 'refused') throw error;
      this.#say('warn', `the leader lease cannot be acquired: ${error.message}`);
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
    this.#options.log.info({ event: 'leader.elected', epoch }, 'this process leads');
    this.#clock.tick();
    this.#state = 'leading';
    this.#told.clear();
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
    this.#say('warn', `the leader lease is in doubt: ${why}`);
  }

  async #ask(): Promise<void> {
    // One request at a time. If the process stood still meanwhile, its answer is dropped and the next tick asks again.
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
        this.#options.onLost();
      } else if (answer === 'oldVersion') this.#beInDoubt(OLD_PROCESSES);
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
    if (this.#state === 'inDoubt') this.#say('info', 'the leader lease is sure again');
    this.#state = 'leading';
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  async #restore(): Promise<void> {
    this.#content = 'restoring';
    try {
      await this.#options.onEmptied();
      this.#settle('whole');
      if (!this.#isEnded()) void this.#ask();
    } catch (error) {
      this.#settle('emptied');
      this.#options.log.error(
        { event: 'store.unwritten', err: error },
        'what the store lost could not be written back yet; this is repeated',
      );
    }
  }

  /** Only one restore runs at a time. If the store is emptied again meanwhile, another one follows. */
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

  /**
   * Logs a state (`info`) if it is another one than before, and each cause of an outage (`warn`) once until the next state,
   * because two causes may alternate every second. True if it was logged.
   */
  #say(level: 'info' | 'warn', text: string): boolean {
    if (this.#told.has(text) && (level === 'warn' || this.#told.size === 1)) return false;
    if (level === 'info') this.#told.clear();
    this.#told.add(text);
    this.#options.log[level]({ event: 'leader.told' }, text);
    return true;
  }
}
