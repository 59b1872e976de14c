import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../gateway.ts';
import type { KernelsApi } from '../http/kernels-api.ts';

/** One interrupt that an execution requests. */
export interface WantedInterrupt {
  /** Checked when its turn comes: the execution may have ended meanwhile. */
  isWanted: () => boolean;
  /** Called right before it is sent. */
  onSend: () => void;
}

/**
 * Keeps a minimum time between the interrupts of a kernel: Toree takes two within 3 s as a shutdown (protocol.md §3.6,
 * trap 25).
 */
export class Interrupts {
  readonly #post: KernelsApi['interruptKernel'];
  readonly #gapMs: number;
  readonly #log: Log;
  /** By kernel id: settles when the next interrupt may be sent. */
  readonly #free = new Map<string, Promise<void>>();
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(post: KernelsApi['interruptKernel'], gapMs: number, log: Log) {
    this.#post = post;
    this.#gapMs = gapMs;
    this.#log = log;
  }

  /**
   * Interrupts the kernel once that is allowed; false if it is no longer wanted. Rejects if the interrupt is not known
   * to have reached the gateway. `sendMessage` sends an `interrupt_request` on the control channel, for proxies without
   * the route; it returns false if nothing could be sent.
   */
  async send(kernelId: string, wanted: WantedInterrupt, sendMessage: () => boolean): Promise<boolean> {
    const sent = (this.#free.get(kernelId) ?? Promise.resolve()).then(() =>
      this.#send(kernelId, wanted, sendMessage),
    );
    const free = this.#keepDistance(sent);
    this.#free.set(kernelId, free);
    void free.then(() => this.#free.get(kernelId) === free && this.#free.delete(kernelId));
    try {
      return await sent;
    } catch (failure) {
      this.#log.warn({ event: 'interrupt.failed', err: failure, kernelId }, 'an interrupt could not be sent');
      throw failure;
    }
  }

  /**
   * Settles when no interrupt is on its way that could hit the next code in this kernel; undefined if there is none.
   * This takes no longer than the timeout of the call.
   */
  underWay(kernelId: string): Promise<unknown> | undefined {
    return this.#underWay.get(kernelId);
  }

  /** Resolves with whether an interrupt was sent. */
  async #send(kernelId: string, wanted: WantedInterrupt, sendMessage: () => boolean): Promise<boolean> {
    if (!wanted.isWanted()) return false;
    wanted.onSend();
    const call = this.#post(kernelId);
    this.#underWay.set(kernelId, call);
    try {
      // Stock Knox has no such route (protocol.md §1.5); ipykernel accepts a message instead.
      if (!(await call) && wanted.isWanted() && !sendMessage())
        throw new GatewayError(
          'unreachable',
          'The gateway has no route to interrupt, and no websocket is open',
        );
      return true;
    } catch (failure) {
      if (isRefusal(failure) && wanted.isWanted()) sendMessage();
      throw failure;
    } finally {
      this.#underWay.delete(kernelId);
    }
  }

  async #keepDistance(sent: Promise<boolean>): Promise<void> {
    const hasSent = await sent.catch(() => true);
    if (hasSent) await delay(this.#gapMs, undefined, { ref: false });
  }
}

/** The call was refused, so no signal was sent. */
function isRefusal(failure: unknown): boolean {
  return failure instanceof GatewayError && (failure.code === 'unauthorized' || failure.code === 'refused');
}

/** How long a debugger gets to quit. */
const LEAVING_MS = 1_000;

export interface StoppableExecution {
  /** Its code is running, so an interrupt does not hit another client's. */
  isRunning(): boolean;
  /** Makes a waiting debugger quit; false if there is none. */
  quitDebugger(): boolean;
  /** False if it is no longer wanted. Rejects if it is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<boolean>;
  onSent(): void;
  onFailed(failure: unknown): void;
  /** The stop has had no effect for a while. */
  onIgnored(): void;
}

/** Stops one execution: decides which interrupts the kernel gets, and when (protocol.md §3.6). */
export class Stopping {
  readonly #signal: AbortSignal | undefined;
  readonly #ignoredMs: number;
  readonly #execution: StoppableExecution;
  /** `due`: an interrupt failed, or another one is wanted. */
  #state: 'idle' | 'asked' | 'due' = 'idle';
  /** How often the stop was repeated; a repetition cancels what the earlier request still had to do. */
  #repeats = 0;
  #hasReacted = false;
  /**
   * An interrupt has reached the code, which is not known to be running on. A reply of ok (`!sleep 60`, `%debug`) then
   * means that it was cut short.
   */
  hasReachedCode = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined, ignoredMs: number, execution: StoppableExecution) {
    this.#signal = signal;
    this.#ignoredMs = ignoredMs;
    this.#execution = execution;
  }

  get isWanted(): boolean {
    return this.#signal?.aborted === true;
  }

  /** An interrupt failed and waits to be sent again. */
  get isDue(): boolean {
    return this.#state === 'due';
  }

  /** Reports if the stop has no effect within the timeout, even if no interrupt could be sent. */
  watch(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.hasReachedCode = false;
      this.#execution.onIgnored();
    }, this.#ignoredMs);
  }

  /** Sends an interrupt if one is wanted and possible; one that failed is sent again later. */
  pursue(): void {
    if (!this.isWanted || !this.#execution.isRunning() || this.#state === 'asked') return;
    // The timeout begins anew when the code can first be interrupted, but not for each failed attempt.
    if (this.#state === 'idle') this.watch();
    this.#state = 'asked';
    void this.#interrupt();
  }

  /**
   * The stop is requested again because it had no effect. If no interrupt was possible so far, the first one is sent as
   * soon as it is.
   */
  again(): void {
    if (!this.isWanted) return;
    this.watch();
    if (this.#state === 'idle') return;
    this.#repeats += 1;
    this.#state = 'due';
    this.pursue();
  }

  /** The code asks for input. */
  onAsked(): void {
    if (this.isWanted && this.#execution.quitDebugger()) this.hasReachedCode = true;
  }

  /** The code has sent output. */
  onOutput(): void {
    this.#hasReacted = true;
  }

  end(): void {
    clearTimeout(this.#watch);
  }

  /**
   * A kernel can miss a signal (Python in a finalizer, R while it reads a line), so an interrupt that is followed by
   * silence is repeated once. Code that sends output has received it, and a second one would cut its cleanup short. A
   * repeated request sends exactly one.
   */
  async #interrupt(): Promise<void> {
    const repeat = this.#repeats;
    const isWanted = () => repeat === this.#repeats && this.#execution.isRunning();
    const onSend = () => {
      this.#hasReacted = false;
      this.#execution.onSent();
    };
    try {
      // An interrupt would end only IPython's debugger, and the code would run on.
      if (this.#execution.quitDebugger()) {
        this.hasReachedCode = true;
        onSend();
        await delay(LEAVING_MS, undefined, { ref: false });
      }
      if (await this.#execution.interrupt({ isWanted, onSend }))
        this.hasReachedCode = this.#execution.isRunning();
      if (repeat > 0) return;
      const isUnheard = () => isWanted() && !this.#hasReacted;
      await this.#execution.interrupt({ isWanted: isUnheard, onSend });
    } catch (failure) {
      if (repeat !== this.#repeats) return;
      this.#state = 'due';
      this.#execution.onFailed(failure);
    }
  }
}
