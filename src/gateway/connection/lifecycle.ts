import { GatewayError } from '../errors.ts';
import type { KernelModel } from '../gateway.ts';
import type { KernelSign } from '../protocol/messages.ts';
import { encodeMessage } from '../protocol/wire.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import { timeoutSignal } from '../until-aborted.ts';
import { ENDING, type LifecycleEvent, type LifecycleState } from './lifecycle-state.ts';
import { Handshake, isBusySilently, StaleSocket } from './readiness.ts';

const SHUTDOWN_LOOKS = 3;

/** The life of a kernel's process: starting, dying, being replaced, gone. Source: protocol.md §2.7. */
export class Lifecycle {
  /** Another client's code is running. */
  isBusyElsewhere = false;
  readonly handshake: Handshake;
  readonly stale: StaleSocket;
  #state: LifecycleState;
  readonly #options: SocketOptions;
  readonly #socket: ReconnectingSocket;
  readonly #onEvent: (event: LifecycleEvent) => void;
  #checking = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** Until the kernel answers, on whichever websocket. */
  #answerLimit: AbortSignal | undefined;

  constructor(
    options: SocketOptions,
    isFresh: boolean,
    socket: ReconnectingSocket,
    onEvent: (event: LifecycleEvent) => void,
  ) {
    this.#state = isFresh ? 'fresh' : 'opening';
    this.#options = options;
    this.#socket = socket;
    this.#onEvent = onEvent;
    this.handshake = new Handshake(
      options.sessionId,
      (message) => socket.send(encodeMessage(message, new Date())),
      () => this.onOtherProcess(),
    );
    this.stale = new StaleSocket(options.timings.staleMs, this.handshake, socket);
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get mayEnd(): boolean {
    return !ENDING.has(this.#state);
  }

  /** Waits until the kernel answers on the open websocket. Rejects with `GatewayError`, or once the signal is aborted. */
  async waitUntilReady(signal: AbortSignal): Promise<void> {
    const { kernelInfoMs } = this.#options.timings;
    const isAlive = () => isBusySilently(this.#options, this.#socket, this, signal);
    await this.handshake.untilAnswered(kernelInfoMs, signal, isAlive);
    if (this.#state === 'restarting') return;
    // It announced a restart; the new process's `starting` was lost with a websocket.
    if (this.#state === 'leavingToRestart') {
      clearTimeout(this.#timer);
      this.#replace('kernelRestarted');
    }
    this.#answerLimit = undefined;
    this.#become('ready');
    this.#onEvent({ kind: 'ready' });
  }

  onLost(): void {
    this.isBusyElsewhere = false;
    this.handshake.forget();
    this.#checking.abort();
    if (this.#state === 'ready' || this.#state === 'opening' || this.#state === 'leaving')
      this.#become('lost');
  }

  /** Asks the kernel on the new websocket, in the background, until it answers. */
  onReopened(): void {
    this.close();
    this.#checking = new AbortController();
    const { signal } = this.#checking;
    const { launchTimeoutMs } = this.#options.settings;
    // It ended while there was no websocket, so the kernel was not asked until then.
    if (this.#answerLimit?.aborted !== false) this.#answerLimit = timeoutSignal(launchTimeoutMs);
    this.waitUntilReady(AbortSignal.any([signal, this.#answerLimit])).catch((failure: unknown) => {
      if (signal.aborted) return;
      if (failure instanceof GatewayError) return this.gone(failure.message);
      const detail = `the kernel gives no answer for ${launchTimeoutMs / 1000} s`;
      this.#onEvent({ kind: this.#state === 'replaced' ? 'gone' : 'mute', detail });
    });
  }

  /** Code called `exit()`: the process ends, and the gateway may restart it within seconds. */
  onExited(): void {
    this.#become('exited');
    this.#later(this.#options.timings.exitMs, () => this.reopen());
  }

  beginRestart(): void {
    this.#become('restarting');
  }

  endRestart(isDone: boolean): void {
    if (this.#state !== 'restarting') return;
    if (isDone) {
      this.#replace('kernelRestarted', true);
      return this.reopen();
    }
    this.#become('lost');
    this.onReopened();
  }

  /** `session` is the message's. */
  take(sign: KernelSign, session: string): void {
    if (this.#state === 'restarting' && sign !== 'dead') return;
    switch (sign) {
      case 'busyElsewhere':
        this.isBusyElsewhere = true;
        return this.#onEvent({ kind: 'busyElsewhere' });
      case 'idleElsewhere':
        this.isBusyElsewhere = false;
        return;
      case 'restarting':
        return this.#died();
      case 'starting':
        return this.#takeStarting(session);
      case 'dead':
        // Code in the kernel can send it, too.
        return void this.#stateOr('dead').then((state) => {
          if (state === 'dead') this.gone('the gateway has given up restarting it');
        });
      case 'leaving':
        if (this.#state !== 'ready') return; // in every other state the kernel is looked for anyway
        this.#become('leaving');
        return void this.#lookWhetherGone(SHUTDOWN_LOOKS);
      case 'leavingToRestart':
        return this.#takeLeavingToRestart();
    }
  }

  gone(detail: string): void {
    this.#onEvent({ kind: 'gone', detail });
  }

  /** The process died; the gateway starts another under the same id. */
  #died(): void {
    this.#replace('kernelDied');
    this.#later(this.#options.timings.settleMs, () => this.reopen());
  }

  /** Whether the gateway still has the kernel. Rejects with `GatewayError` if it does not answer. */
  async look(signal?: AbortSignal): Promise<boolean> {
    return (await this.#ask(signal)) !== undefined;
  }

  /** Whether the kernel exists and is not ending; true without an answer, which proves nothing. */
  async isSteady(): Promise<boolean> {
    return ['idle', 'busy'].includes(await this.#stateOr('idle'));
  }

  /** The kernel's state according to the gateway; `otherwise` without an answer. */
  async #stateOr(otherwise: string): Promise<string> {
    return (await this.#ask().catch(() => undefined))?.executionState ?? otherwise;
  }

  async #ask(signal?: AbortSignal): Promise<KernelModel | undefined> {
    const limit = timeoutSignal(this.#options.timings.lookTimeoutMs);
    const until = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    const model = await this.#options.findKernel(this.#options.kernelId, until).catch((cause: unknown) => {
      throw limit.aborted ? new GatewayError('unreachable', 'The gateway gives no answer', { cause }) : cause;
    });
    if (model === undefined) this.gone('it was deleted or culled');
    return model;
  }

  /** Ends its timers and questions. */
  close(): void {
    clearTimeout(this.#timer);
    this.#checking.abort();
  }

  /** A new process answers; the messages about its start were lost with a websocket. */
  onOtherProcess(): void {
    if (this.#state === 'restarting' || this.#state === 'replaced') return;
    this.#replace(this.#state === 'leavingToRestart' ? 'kernelRestarted' : 'kernelDied');
    this.onReopened();
  }

  #become(state: LifecycleState): void {
    const couldEnd = this.mayEnd;
    this.#state = state;
    if (couldEnd !== this.mayEnd) this.#onEvent({ kind: 'mayEndChanged' });
  }

  #takeStarting(session: string): void {
    // A process that has already answered us is not new: channels overtake each other.
    const isKnown = session !== '' && session === this.handshake.processSession;
    if (this.#state === 'fresh' || isKnown) return;
    if (this.#state === 'exited') return this.#died();
    // A death while no websocket was open shows only by the new process's `starting`.
    this.#replace(this.#state === 'lost' ? 'kernelDied' : 'kernelRestarted');
    this.reopen();
  }

  #takeLeavingToRestart(): void {
    if (this.#state === 'replaced') return;
    this.#become('leavingToRestart');
    this.#later(this.#options.timings.shutdownLookMs, () => {
      this.#replace('kernelRestarted');
      this.#later(this.#options.timings.settleMs, () => this.reopen());
    });
  }

  async #lookWhetherGone(looks: number): Promise<void> {
    const isThere = await this.look().catch(() => undefined);
    if (isThere === false || this.#state !== 'leaving') return;
    const { shutdownLookMs } = this.#options.timings;
    if (looks > 1) return this.#later(shutdownLookMs, () => void this.#lookWhetherGone(looks - 1));
    // If the gateway does not say, the upgrade of a new websocket tells. What has its end by now need not wait for that.
    this.#become(isThere === true ? 'ready' : 'lost');
    if (isThere === true) this.#onEvent({ kind: 'ready' });
    else this.reopen();
  }

  #replace(as: 'kernelDied' | 'kernelRestarted', isOurs = false): void {
    const isTold = this.#state === 'replaced';
    // The event below ends what is in flight, so no reply can end anything.
    this.#state = 'replaced';
    this.isBusyElsewhere = false;
    this.handshake.forgetProcess();
    this.#answerLimit = timeoutSignal(this.#options.settings.launchTimeoutMs);
    if (!isTold) this.#onEvent({ kind: 'replaced', as, ...(isOurs ? { isOurs } : {}) });
  }

  #later(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, ms);
  }

  reopen(): void {
    this.close();
    this.handshake.forget();
    this.#socket.reopen();
  }
}
