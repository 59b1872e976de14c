import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../gateway.ts';
import type { KernelsApi } from '../http/kernels-api.ts';

/** One interrupt as an execution wants it. */
export interface WantedInterrupt {
  /** Asked when its turn has come: the execution may have ended meanwhile. */
  isWanted: () => boolean;
  /** Right before the call leaves. */
  onSend: () => void;
}

/** Interrupts of a kernel keep a distance: Toree takes two within 3 s as a shutdown (protocol.md §3.6, trap 25). */
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
   * Interrupts the kernel once that is allowed; false where it was not wanted any more. Rejects when that is not known to have
   * reached the gateway. `sendMessage` sends an `interrupt_request` on the control channel, for gateways behind a proxy without
   * the route; it gives false where none could be sent.
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
   * Settles when no call is on its way that would hit the next code in this kernel; undefined when none is. It takes no
   * longer than the call may.
   */
  underWay(kernelId: string): Promise<unknown> | undefined {
    return this.#underWay.get(kernelId);
  }

  /** Whether an interrupt was sent. */
  async #send(kernelId: string, wanted: WantedInterrupt, sendMessage: () => boolean): Promise<boolean> {
    if (!wanted.isWanted()) return false;
    wanted.onSend();
    const call = this.#post(kernelId);
    this.#underWay.set(kernelId, call);
    try {
      // Stock Knox has no route for it (protocol.md §1.5); ipykernel takes the same as a message.
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

/** The call was turned away, so that no signal was sent. */
function isRefusal(failure: unknown): boolean {
  return failure instanceof GatewayError && (failure.code === 'unauthorized' || failure.code === 'refused');
}

/** What a debugger ends takes less. */
const LEAVING_MS = 1_000;

export interface StoppableExecution {
  /** Its code is the one that runs, so an interrupt meets nobody else's. */
  isRunning(): boolean;
  /** Has a debugger that waits for a line end the code; false where none does. */
  leaveDebugger(): boolean;
  /** False where it was not wanted any more. Rejects when it is not known to have been sent. */
  interrupt(wanted: WantedInterrupt): Promise<boolean>;
  onSent(): void;
  onFailed(failure: unknown): void;
  /** It was to stop, and for a while nothing has come of that. */
  onIgnored(): void;
}

/** The way from the request to stop one execution to the signals that the kernel gets (protocol.md §3.6). */
export class Stopping {
  readonly #signal: AbortSignal | undefined;
  readonly #ignoredMs: number;
  readonly #execution: StoppableExecution;
  /** `due`: a signal that failed, or is wanted once more. */
  #state: 'idle' | 'asked' | 'due' = 'idle';
  /** How often it was asked for again; what is left to do for the time before lapses. */
  #repeats = 0;
  #hasReacted = false;
  /** The code was reached, and is not known to run on: what it replies as done (`!sleep 60`, `%debug`) was cut short. */
  hasLanded = false;
  #watch: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal | undefined, ignoredMs: number, execution: StoppableExecution) {
    this.#signal = signal;
    this.#ignoredMs = ignoredMs;
    this.#execution = execution;
  }

  get isWanted(): boolean {
    return this.#signal?.aborted === true;
  }

  /** From now on it is told when the request has no effect, also where nothing can be interrupted yet. */
  watch(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.hasLanded = false;
      this.#execution.onIgnored();
    }, this.#ignoredMs);
  }

  /** Sends what is wanted and may be sent now; a signal that the gateway did not take is not forgotten. */
  pursue(): void {
    if (!this.isWanted || !this.#execution.isRunning() || this.#state === 'asked') return;
    // A request from before it could be interrupted has its time anew; one that a gateway keeps turning away has not.
    if (this.#state === 'idle') this.watch();
    this.#state = 'asked';
    void this.#interrupt();
  }

  /**
   * It is asked for again by somebody who saw that it has had no effect. Where no signal could go yet, the first one goes
   * when it may.
   */
  again(): void {
    if (!this.isWanted) return;
    this.watch();
    if (this.#state === 'idle') return;
    this.#repeats += 1;
    this.#state = 'due';
    this.pursue();
  }

  /** The code asks for a line. */
  onAsked(): void {
    if (this.isWanted && this.#execution.leaveDebugger()) this.hasLanded = true;
  }

  /** The code says something. */
  onOutput(): void {
    this.#hasReacted = true;
  }

  end(): void {
    clearTimeout(this.#watch);
  }

  /**
   * A kernel can lose a signal (Python in a finalizer, R while it reads a line): one that is followed by silence is
   * repeated once. Code that says something has taken it, and a second one would cut short what it does about the first.
   * Who asks again gets one signal each time.
   */
  async #interrupt(): Promise<void> {
    const repeat = this.#repeats;
    const isWanted = () => repeat === this.#repeats && this.#execution.isRunning();
    const onSend = () => {
      this.#hasReacted = false;
      this.#execution.onSent();
    };
    try {
      // An interrupt would end IPython's debugger alone, and the code behind its prompt would go on.
      if (this.#execution.leaveDebugger()) {
        this.hasLanded = true;
        onSend();
        await delay(LEAVING_MS, undefined, { ref: false });
      }
      if (await this.#execution.interrupt({ isWanted, onSend })) this.hasLanded = this.#execution.isRunning();
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
