import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../gateway.ts';
import { kernelGone } from '../http/http-errors.ts';
import type { Status } from '../outputs.ts';
import type { SocketEvent } from './event-turns.ts';
import { Outage, OutageWatch } from './outage.ts';
import { isFinal, untilUpgraded, type SocketOptions } from './upgrade.ts';
import { KernelSocket } from './websocket.ts';

export type ReconnectingEvent =
  | Exclude<SocketEvent, { kind: 'open' | 'close' }>
  | { kind: 'lost' }
  /** For all unfinished executions. */
  | { kind: 'outage'; status: Status }
  /** Comes before any frame of the new websocket. */
  | { kind: 'reopened' }
  /** The kernel is gone, or the gateway did not come back before the timeout. No further attempts. */
  | { kind: 'givenUp'; failure: GatewayError };

const FIRST_ATTEMPTS = 3;

const ignore = (): void => undefined;

/**
 * Keeps a websocket to a kernel open. There is never more than one at a time (protocol.md §2.2), and all have the same
 * session.
 */
export class ReconnectingSocket {
  readonly #options: SocketOptions;
  readonly #log: Log;
  readonly #onEvent: (event: ReconnectingEvent) => void;
  /** The current outage. */
  readonly outage: Outage;
  /** The kernel is new: its upgrade is waited for even if the gateway does not answer. */
  readonly #isFresh: boolean;
  readonly #closing = new AbortController();
  #state: 'idle' | 'reopening' | 'displacing' = 'idle';
  #socket: KernelSocket | undefined;
  #holds = 0;
  #isBusy = false;
  /** Attempts since a websocket last stayed open for a while; two owners of a session id evict each other (trap 13). */
  #attempt = 0;
  #openedMs = 0;
  #heldMs = 0;

  constructor(
    options: SocketOptions,
    isFresh: boolean,
    log: Log,
    onEvent: (event: ReconnectingEvent) => void,
  ) {
    this.#options = options;
    this.#isFresh = isFresh;
    this.outage = new Outage((status) => onEvent({ kind: 'outage', status }));
    this.#log = log;
    this.#onEvent = onEvent;
  }

  /** The first opening. Later ones happen automatically after a loss. */
  async open(signal: AbortSignal): Promise<void> {
    const { outageMs, reopenMs } = this.#options.timings;
    const until = AbortSignal.any([signal, this.#closing.signal]);
    const startedMs = performance.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#openOnce(until, ignore, ignore);
        return;
      } catch (failure) {
        this.#socket = undefined;
        const isUnreachable = failure instanceof GatewayError && failure.code === 'unreachable';
        const isQuick = performance.now() - startedMs < outageMs;
        if (attempt === FIRST_ATTEMPTS || !isUnreachable || !isQuick || until.aborted) throw failure;
        await delay(reopenMs * (1 + Math.random()));
      }
    }
  }

  /**
   * Closes the websocket and opens another: after a restart of the kernel the gateway's own sockets may be stale (trap
   * 42).
   */
  reopen(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.terminate();
    void this.#reopen();
  }

  /** As `reopen`, but also makes the gateway open new sockets of its own. What it had buffered for us is lost. */
  renew(): void {
    const { kernelId } = this.#options;
    this.#log.warn(
      { event: 'socket.stale', kernelId },
      'an idle kernel does not answer on its websocket; opening a new one',
    );
    if (this.#state === 'idle') this.#state = 'displacing';
    this.#socket?.terminate();
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen === true;
  }

  get isHeld(): boolean {
    return this.#holds > 0;
  }

  /** How long nothing was received; 0 while the websocket is paused or closed. */
  get silentMs(): number {
    if (this.isHeld || !this.isOpen) return 0;
    return performance.now() - Math.max(this.#socket?.receivedMs ?? 0, this.#heldMs, this.#openedMs);
  }

  /** False if no websocket was open. */
  send(frame: string): boolean {
    if (!this.isOpen) return false;
    this.#socket?.send(frame);
    return true;
  }

  /** Pauses reading until each hold has been released. */
  hold(isHeld: boolean): void {
    this.#holds += isHeld ? 1 : -1;
    this.#heldMs = performance.now();
    this.#socket?.setPaused(this.isHeld);
  }

  setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#socket?.setBusy(isBusy);
  }

  /** False: the server has not answered the close, so what it sent last may be lost. */
  async close(): Promise<boolean> {
    this.#closing.abort();
    const last = this.#socket;
    this.#socket = undefined;
    return (await last?.close()) ?? true;
  }

  /** False if the websocket was dropped again meanwhile. */
  async #openOnce(signal: AbortSignal, onOpen: () => void, onAnswered: () => void): Promise<boolean> {
    const next: KernelSocket = new KernelSocket(this.#options, (event) => {
      if (event.kind === 'open') return onOpen();
      if (event.kind === 'close') return this.#onClose(next, event.code);
      this.#onEvent(event);
    });
    this.#socket = next;
    next.setPaused(this.isHeld);
    next.setBusy(this.#isBusy);
    await this.#untilUpgraded(next, signal, onAnswered);
    this.#openedMs = performance.now();
    return this.#socket === next;
  }

  #untilUpgraded(next: KernelSocket, signal: AbortSignal, onAnswered: () => void): Promise<void> {
    const isNew = this.#isFresh && this.#openedMs === 0;
    return untilUpgraded(next, this.#options, { isNew, signal, onAnswered });
  }

  #onClose(socket: KernelSocket, code: number): void {
    if (this.#socket !== socket || this.#closing.signal.aborted) return;
    const { kernelId, timings } = this.#options;
    if (code === 1009) {
      // Knox accepts 32 KiB by default (protocol.md §1.5).
      const key = 'gateway.websocket.max.text.buffer.size';
      const words = 'a proxy in front of the gateway refused a message because of its length';
      this.#log.warn({ event: 'socket.misset', kernelId, knoxSetting: key }, words);
      this.#onEvent({ kind: 'tooBig' });
    }
    this.#socket = undefined;
    if (performance.now() - this.#openedMs >= timings.steadyMs) this.#attempt = 0;
    this.#log.info(
      { event: 'socket.lost', kernelId, code, attempt: this.#attempt },
      'lost the websocket to a kernel',
    );
    this.#onEvent({ kind: 'lost' });
    void this.#reopen();
  }

  /**
   * A gateway keeps its own sockets to the kernel for the session that comes back. ZeroMQ allows one peer per identity
   * at a time, so sockets that were opened before those of a broken websocket had closed are refused by the kernel for
   * good. A websocket of another session makes the gateway close them (protocol.md §2.2, trap 14).
   */
  async #displaceStaleSockets(): Promise<void> {
    const other = new KernelSocket({ ...this.#options, sessionId: randomUUID() }, ignore);
    await this.#untilUpgraded(other, this.#closing.signal, ignore);
    await other.close();
  }

  async #reopen(): Promise<void> {
    if (this.#state === 'reopening') return;
    let displaces = this.#state === 'displacing';
    this.#state = 'reopening';
    // Knox accepts an upgrade before it has the gateway's, so one that closes soon may have no kernel (protocol.md §1.5).
    const wasBrief = this.#attempt > 0;
    const { kernelId, timings, findKernel } = this.#options;
    const { signal } = this.#closing;
    const until = performance.now() + timings.reopenTimeoutMs;
    let failure: unknown;
    const watch = new OutageWatch(timings.outageMs, (found) => this.outage.cutOff(found));
    const onOpen = () => {
      watch.end();
      this.outage.over();
      this.#onEvent({ kind: 'reopened' });
    };
    try {
      while (performance.now() < until) {
        const longest = Math.min(timings.reopenMs * 2 ** this.#attempt, timings.reopenMaxMs);
        this.#attempt += 1;
        await delay(longest * (0.5 + Math.random() / 2), undefined, { signal });
        try {
          const isDoubtful = wasBrief && failure === undefined;
          const found = isDoubtful ? await findKernel(kernelId, signal).catch(() => 'unknown') : 'unknown';
          if (found === undefined) throw kernelGone(kernelId);
          if (displaces) await this.#displaceStaleSockets();
          displaces = false;
          if (!(await this.#openOnce(signal, onOpen, () => watch.answered()))) continue;
          this.#log.info(
            { event: 'socket.reopened', kernelId, attempt: this.#attempt },
            'reopened the websocket to a kernel',
          );
          return;
        } catch (cause) {
          this.#socket = undefined;
          failure = cause;
          this.#log.debug(
            { event: 'socket.unopened', kernelId, err: cause, attempt: this.#attempt },
            'the websocket to a kernel did not open',
          );
          if (isFinal(cause)) break;
          watch.failed(cause);
        }
      }
    } catch {
      return; // closed by us while waiting
    } finally {
      watch.end();
      this.#state = 'idle';
    }
    if (signal.aborted) return;
    this.outage.forget();
    const why =
      failure instanceof GatewayError ? failure : new GatewayError('unreachable', 'The gateway is away');
    this.#onEvent({ kind: 'givenUp', failure: why });
  }
}
