import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { isIpykernel, type KernelInfo } from '../gateway.ts';
import { kernelGone } from '../http/http-errors.ts';
import { readKernelInfo, UNKNOWN_KERNEL_INFO } from '../protocol/messages.ts';
import type { KernelMessage, OutgoingMessage } from '../protocol/wire.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import type { LifecycleState } from './lifecycle-state.ts';

/** The kernel_info handshake of one connection: requests, and callbacks for their replies. */
export class Handshake {
  /** The kernel info of the latest reply. */
  info: KernelInfo = UNKNOWN_KERNEL_INFO;
  /**
   * Session of the ipykernel process that answered last; other kernels' sessions do not identify their process (trap
   * 41).
   */
  processSession = '';
  /** Replies on the shell channel so far. */
  answers = 0;
  /** Number of this websocket: requests on earlier ones may never be answered. */
  websocket = 0;
  /** Replies on this websocket, on either channel. */
  #heard = 0;
  #isAskedOnControl = false;
  #unansweredSinceMs: number | undefined;
  readonly #asked = new Map<string, { channel: 'shell' | 'control'; onReply: () => void }>();
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => boolean;
  readonly #onOtherProcess: () => void;

  /**
   * `send` returns false if no websocket is open. `onOtherProcess` is called before a reply of a new process is
   * counted.
   */
  constructor(sessionId: string, send: (message: OutgoingMessage) => boolean, onOtherProcess: () => void) {
    this.#sessionId = sessionId;
    this.#send = send;
    this.#onOtherProcess = onOtherProcess;
  }

  /** Sends one request; `onReply` is called at most once. False if nothing could be sent. */
  ask(onReply: () => void): boolean {
    if (!this.#request('shell', onReply)) return false;
    this.#unansweredSinceMs ??= performance.now();
    return true;
  }

  /**
   * Asks on the control channel, which ipykernel answers even while it runs code: whether it is alive and which process
   * it is.
   */
  askOnControl(): void {
    if (this.#isAskedOnControl) return;
    this.#isAskedOnControl = this.#request('control', () => undefined);
  }

  /**
   * Call this after an interrupt: at an `await`, ipykernel handles the signal only when something arrives on the shell
   * channel (protocol.md §3.6). Other kernels do not need it.
   */
  wake(): void {
    if (this.isIpykernel) this.#request('shell', () => undefined);
  }

  #request(channel: 'shell' | 'control', onReply: () => void): boolean {
    const msgId = randomUUID();
    const request = { channel, type: 'kernel_info_request', msgId, session: this.#sessionId, content: {} };
    const isSent = this.#send(request);
    if (isSent) this.#asked.set(msgId, { channel, onReply });
    return isSent;
  }

  /** True if the message answers one of our requests. */
  take(message: KernelMessage): boolean {
    if (message.type !== 'kernel_info_reply') return false;
    const asked = this.#asked.get(message.parentId);
    if (asked === undefined) return false;
    this.#asked.delete(message.parentId);
    this.#heard += 1;
    if (asked.channel === 'shell') {
      this.#unansweredSinceMs = undefined;
      this.answers += 1;
    } else this.#isAskedOnControl = false;
    const info = readKernelInfo(message.content);
    const session = isIpykernel(info) ? message.session : '';
    const isOther = session !== '' && this.processSession !== '' && session !== this.processSession;
    if (isOther) this.#onOtherProcess();
    this.processSession = session;
    this.info = info;
    asked.onReply();
    return true;
  }

  /** The websocket is closed: its requests will not be answered. */
  forget(): void {
    this.#heard = 0;
    this.#isAskedOnControl = false;
    this.websocket += 1;
    this.#asked.clear();
    this.#unansweredSinceMs = undefined;
  }

  /** The process has ended; the next one is the same implementation but a different process. */
  forgetProcess(): void {
    this.processSession = '';
    this.info = { ...this.info };
  }

  get isIpykernel(): boolean {
    return isIpykernel(this.info);
  }

  /** Whether the kernel has answered on this websocket, so that what is written here reaches it. */
  get hasAnswered(): boolean {
    return this.#heard > 0;
  }

  /** How long the oldest shell request on this websocket has been unanswered. */
  get unansweredMs(): number {
    return this.#unansweredSinceMs === undefined ? 0 : performance.now() - this.#unansweredSinceMs;
  }

  /**
   * Asks until the kernel answers, at increasing intervals, because a reply may be lost while the gateway subscribes
   * (protocol.md §2.1). A busy kernel replies only when it is done (trap 33), so a reply on control or `isAliveAnyway`
   * will do as well.
   */
  async untilAnswered(
    firstMs: number,
    signal: AbortSignal,
    isAliveAnyway: () => Promise<boolean>,
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<'answered'>();
    const before = this.#heard;
    for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, 8 * firstMs)) {
      signal.throwIfAborted();
      this.ask(() => resolve('answered'));
      const waiting = new AbortController();
      try {
        const until = AbortSignal.any([signal, waiting.signal]);
        const waited = delay(waitMs, undefined, { signal: until, ref: false });
        const answer = await Promise.race([promise, waited]);
        if (answer !== undefined) return;
      } finally {
        waiting.abort();
      }
      if (this.#heard > before || (await isAliveAnyway())) return;
      this.askOnControl();
    }
  }
}

/** After so many new websockets without an answer another one will not help. */
const MOST_RENEWALS = 2;

/**
 * Detects a websocket that is open but whose kernel receives nothing: the gateway's own sockets to the kernel may be
 * dead, and the gateway reuses them when the session reconnects.
 */
export class StaleSocket {
  readonly #staleMs: number;
  readonly #handshake: Pick<Handshake, 'unansweredMs' | 'answers'>;
  readonly #socket: { readonly silentMs: number; renew(): void };
  #answers = 0;
  #renewals = 0;

  constructor(
    staleMs: number,
    handshake: Pick<Handshake, 'unansweredMs' | 'answers'>,
    socket: { readonly silentMs: number; renew(): void },
  ) {
    this.#staleMs = staleMs;
    this.#handshake = handshake;
    this.#socket = socket;
  }

  /**
   * Call this while the kernel is idle: if it still does not answer, the websocket is renewed. Returns true once
   * renewing has not helped.
   */
  renewIfStale(): boolean {
    const { unansweredMs, answers } = this.#handshake;
    if (unansweredMs < this.#staleMs || this.#socket.silentMs < this.#staleMs) return false;
    if (answers > this.#answers) this.#renewals = 0;
    this.#answers = answers;
    if (this.#renewals >= MOST_RENEWALS) return true;
    this.#renewals += 1;
    this.#socket.renew();
    return false;
  }
}

/**
 * Whether the kernel is alive although it does not answer on the open websocket: it may be running code. Rejects with
 * `GatewayError` if it is gone or dead.
 */
export async function isBusySilently(
  { kernelId, findKernel }: SocketOptions,
  socket: { readonly isOpen: boolean; readonly isHeld: boolean },
  lifecycle: { handshake: Handshake; stale: StaleSocket; readonly state: LifecycleState },
  signal: AbortSignal,
): Promise<boolean> {
  const { handshake, stale } = lifecycle;
  const { websocket } = handshake;
  // No reply can be read: the websocket is paused for a resume or a slow reader.
  if (socket.isHeld) return true;
  const model = await findKernel(kernelId, signal).catch(() => 'unknown' as const);
  if (model === 'unknown') return false;
  if (model === undefined) throw kernelGone(kernelId);
  if (model.executionState === 'dead') throw new GatewayError('startFailed', 'The kernel is dead');
  if (model.executionState === 'idle') stale.renewIfStale();
  // What the old process did when it died (protocol.md §3.12). A new one that is busy answers on the control channel.
  if (lifecycle.state === 'replaced' && handshake.isIpykernel) return false;
  // A new websocket has a handshake of its own.
  return model.executionState === 'busy' && socket.isOpen && websocket === handshake.websocket;
}
