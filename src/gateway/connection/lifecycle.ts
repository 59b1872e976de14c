import { GatewayError } from '../errors.ts';
import type { Deafness } from './stale-socket.ts';
import type { ExecutionLine } from './execution-queue.ts';
import type { ConnectionEvent, KernelInfo } from '../gateway.ts';
import type { KernelGreeting } from './readiness.ts';
import type { LifeSign } from '../protocol/kernel-status.ts';
import { kernelGone, type Rest } from '../http/kernels-api.ts';
import type { GatewayTimings } from '../timings.ts';

export type ReplacedKind = 'kernelDied' | 'kernelRestarted';

/** What a kernel's life needs of its connection. */
export interface KernelLifeHost {
  readonly kernelId: string;
  readonly timings: GatewayTimings;
  readonly rest: Pick<Rest, 'findKernel'>;
  readonly greeting: KernelGreeting;
  readonly deafness: Pick<Deafness, 'cure'>;
  readonly line: Pick<ExecutionLine, 'hold' | 'tellBehindOthers'>;
  /** How long a kernel may take to answer once its websocket is open. */
  readonly launchTimeoutMs: number;
  /** Nothing of the kernel can be read at the moment, because a replay waits to be claimed. */
  readonly isReplayWaiting: boolean;
  reopenLink(): void;
  /** The kernel takes requests. */
  onReady(info: KernelInfo | undefined): void;
  /** It gives no answer although it is there; nothing can be sent. */
  onMute(detail: string): void;
  onReplaced(kind: ReplacedKind, event: ConnectionEvent): void;
  onGone(detail: string): void;
}

/**
 * The life of the process behind a kernel id: coming up, dying, being replaced, going. Source: protocol.md §2.7.
 * `settling`: it is being replaced; what is written now would be swallowed.
 */
export class KernelLife {
  isReady = false;
  /** Another client's code runs in it. */
  isBusyElsewhere = false;
  /** It has said farewell, and whether it is gone is not known yet. */
  isLeaving = false;
  readonly #host: KernelLifeHost;
  #isSettling = false;
  #hasToldReplaced = false;
  #isRestartingByUs = false;
  #isLeavingToRestart = false;
  /** The first `starting` of a kernel that we have just started is no restart. */
  #ignoresStarting: boolean;
  #wasAway = false;
  #greeting = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(host: KernelLifeHost, isFresh: boolean) {
    this.#host = host;
    this.#ignoresStarting = isFresh;
    host.greeting.onOtherProcess = () => this.#takeOtherProcess();
  }

  /** Waits until the kernel answers on its open websocket. Throws `GatewayError`, or the signal's reason. */
  async greet(signal: AbortSignal): Promise<void> {
    const { kernelId, timings, rest, greeting } = this.#host;
    const info = await greeting.untilAnswered(timings.kernelInfoMs, signal, async () => {
      if (this.#host.isReplayWaiting) return true;
      const model = await rest.findKernel(kernelId, signal).catch(() => 'unknown' as const);
      if (model === 'unknown') return false;
      if (model === undefined) throw kernelGone(kernelId);
      if (model.executionState === 'dead') throw new GatewayError('startFailed', 'The kernel is dead');
      if (model.executionState === 'idle') this.#host.deafness.cure();
      return model.executionState === 'busy';
    });
    this.isReady = true;
    this.isLeaving = false;
    this.#isSettling = false;
    this.#hasToldReplaced = false;
    this.#ignoresStarting = false;
    this.#host.onReady(info);
  }

  onLost(): void {
    this.isReady = false;
    this.#wasAway = true;
    this.isBusyElsewhere = false;
    this.#greeting.abort();
  }

  /** Greets the kernel on an open websocket, in the background. */
  onReopened(): void {
    clearTimeout(this.#timer);
    this.#greeting.abort();
    this.#greeting = new AbortController();
    const { signal } = this.#greeting;
    const limit = AbortSignal.timeout(this.#host.launchTimeoutMs);
    this.greet(AbortSignal.any([signal, limit])).catch((failure: unknown) => {
      if (signal.aborted) return;
      if (failure instanceof GatewayError) return this.#host.onGone(failure.message);
      this.#host.onMute(`the kernel gives no answer for ${this.#host.launchTimeoutMs / 1000} s`);
    });
  }

  /** Its code said `exit()`: the process ends, and the gateway starts it again within seconds, or not. */
  onExited(): void {
    this.isReady = false;
    this.#isSettling = true;
    this.#reopenIn(this.#host.timings.exitMs);
  }

  beginRestart(): void {
    this.#isRestartingByUs = true;
    this.#host.line.hold(true);
  }

  endRestart(isDone: boolean): void {
    this.#isRestartingByUs = false;
    if (!isDone) return this.#host.line.hold(false);
    this.#replace('kernelRestarted', false);
    this.#reopenNow();
  }

  /** `session` is the message's own. */
  take(sign: LifeSign, session: string): void {
    if (this.#isRestartingByUs && sign !== 'dead') return;
    switch (sign) {
      case 'busyElsewhere':
        this.isBusyElsewhere = true;
        return this.#host.line.tellBehindOthers();
      case 'idleElsewhere':
        this.isBusyElsewhere = false;
        return;
      case 'restarting':
        return this.died();
      case 'starting':
        return this.#takeStarting(session);
      case 'dead':
        return this.#host.onGone('the gateway has given up restarting it');
      case 'leaving':
        this.isLeaving = true;
        this.#host.line.hold(true);
        return void this.#lookWhetherGone(3);
      case 'leavingToRestart':
        return this.#takeLeavingToRestart();
      default:
        return sign satisfies never;
    }
  }

  /** Its process died; the gateway puts another under the same id. */
  died(): void {
    this.#replace('kernelDied', true);
    this.#reopenIn(this.#host.timings.settleMs);
  }

  /** Asks whether the gateway still has it; false when it has not. Rejects with `GatewayError` without an answer. */
  async look(signal?: AbortSignal): Promise<boolean> {
    const { kernelId, timings, rest } = this.#host;
    const limit = AbortSignal.timeout(timings.lookTimeoutMs);
    const until = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const model = await rest.findKernel(kernelId, until).catch((cause: unknown) => {
      throw limit.aborted ? new GatewayError('unreachable', 'The gateway gives no answer', { cause }) : cause;
    });
    if (model === undefined) this.#host.onGone('it was deleted or culled');
    return model !== undefined;
  }

  /** It is there and works; true also where the gateway gives no answer, which proves nothing. */
  async isSteady(): Promise<boolean> {
    const { kernelId, timings, rest } = this.#host;
    const limit = AbortSignal.timeout(timings.lookTimeoutMs);
    const model = await rest.findKernel(kernelId, limit).catch(() => 'unknown' as const);
    if (model === 'unknown') return true;
    if (model === undefined) this.#host.onGone('it was deleted or culled');
    return model === undefined || model.executionState === 'idle' || model.executionState === 'busy';
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#greeting.abort();
  }

  #takeStarting(session: string): void {
    // Channels overtake each other: a process that has answered us already is no new one.
    const isKnown = session !== '' && session === this.#host.greeting.processSession;
    if (this.#ignoresStarting || isKnown) return;
    if (this.#isSettling) return this.#hasToldReplaced ? this.#reopenNow() : this.died();
    // A death while no websocket was open shows only as the new process's `starting` (lab.md §4).
    if (this.#wasAway && !this.isReady && !this.#isLeavingToRestart) this.#replace('kernelDied', true);
    else this.#replace('kernelRestarted', false);
    this.#reopenNow();
  }

  #takeLeavingToRestart(): void {
    this.#isLeavingToRestart = true;
    this.#host.line.hold(true);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#replace('kernelRestarted', false);
      this.#reopenIn(this.#host.timings.settleMs);
    }, this.#host.timings.shutdownLookMs);
  }

  /** Another process than before answers, and the word of its coming was lost with a websocket. */
  #takeOtherProcess(): void {
    if (this.#isRestartingByUs || this.#hasToldReplaced) return;
    if (this.#isLeavingToRestart) this.#replace('kernelRestarted', false);
    else this.#replace('kernelDied', true);
    this.onReopened();
  }

  async #lookWhetherGone(looks: number): Promise<void> {
    if (!(await this.look().catch(() => true))) return;
    if (this.#isSettling || this.#greeting.signal.aborted) return;
    if (looks <= 1) {
      this.isLeaving = false;
      return this.#host.line.hold(false);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#lookWhetherGone(looks - 1), this.#host.timings.shutdownLookMs);
  }

  #replace(kind: ReplacedKind, automatic: boolean): void {
    this.isReady = false;
    this.isLeaving = false;
    this.#isSettling = true;
    this.#isLeavingToRestart = false;
    this.isBusyElsewhere = false;
    this.#host.greeting.forgetProcess();
    if (this.#hasToldReplaced) return;
    this.#hasToldReplaced = true;
    this.#host.onReplaced(kind, { kind: 'kernelRestarted', automatic });
  }

  #reopenIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reopenNow(), ms);
  }

  #reopenNow(): void {
    clearTimeout(this.#timer);
    this.#greeting.abort();
    this.#host.reopenLink();
  }
}
