import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KernelInfo } from '../gateway.ts';
import { readKernelInfo } from '../protocol/messages.ts';
import type { KernelMessage, OutgoingMessage } from '../protocol/wire.ts';

/** The kernel_info handshake of one connection: its requests and the callers that wait for their replies. */
export class Handshake {
  /** The ipykernel process that answered last; other kernels' sessions say nothing about their process (trap 41). */
  processSession = '';
  /** Replies so far. */
  answers = 0;
  #owedSinceMs: number | undefined;
  readonly #asked = new Map<string, (info: KernelInfo) => void>();
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => void;
  readonly #onOtherProcess: () => void;

  /** `onOtherProcess` is called before the reply of a process that is not the one before counts. */
  constructor(sessionId: string, send: (message: OutgoingMessage) => void, onOtherProcess: () => void) {
    this.#sessionId = sessionId;
    this.#send = send;
    this.#onOtherProcess = onOtherProcess;
  }

  /** Sends one request; `onReply` is called at most once. */
  ask(onReply: (info: KernelInfo) => void): void {
    const msgId = randomUUID();
    this.#asked.set(msgId, onReply);
    this.#owedSinceMs ??= performance.now();
    const session = this.#sessionId;
    this.#send({ channel: 'shell', type: 'kernel_info_request', msgId, session, content: {} });
  }

  /** True when the message answers a request of ours. */
  take(message: KernelMessage): boolean {
    if (message.type !== 'kernel_info_reply') return false;
    const onReply = this.#asked.get(message.parentId);
    if (onReply === undefined) return false;
    this.#asked.delete(message.parentId);
    this.#owedSinceMs = undefined;
    this.answers += 1;
    const info = readKernelInfo(message.content);
    const session = info.implementation === 'ipython' ? message.session : '';
    const isOther = session !== '' && this.processSession !== '' && session !== this.processSession;
    if (isOther) this.#onOtherProcess();
    this.processSession = session;
    onReply(info);
    return true;
  }

  /** The websocket is gone, and with it the replies. */
  forget(): void {
    this.#asked.clear();
    this.#owedSinceMs = undefined;
  }

  /** The process that answered is gone. */
  forgetProcess(): void {
    this.processSession = '';
  }

  /** How long requests have gone unanswered on this websocket. */
  get owedMs(): number {
    return this.#owedSinceMs === undefined ? 0 : performance.now() - this.#owedSinceMs;
  }

  /**
   * Asks until the kernel answers, at growing distances, because a reply may be lost while the gateway subscribes
   * (protocol.md §2.1). `isAliveAnyway` looks for other proof after each wait: a kernel that works on another client's
   * code answers when it is done (trap 33).
   */
  async untilAnswered(
    firstMs: number,
    signal: AbortSignal,
    isAliveAnyway: () => Promise<boolean>,
  ): Promise<KernelInfo | undefined> {
    const { promise, resolve } = Promise.withResolvers<KernelInfo>();
    for (let waitMs = firstMs; ; waitMs = Math.min(waitMs * 2, 8 * firstMs)) {
      signal.throwIfAborted();
      this.ask(resolve);
      const waiting = new AbortController();
      try {
        const until = AbortSignal.any([signal, waiting.signal]);
        const waited = delay(waitMs, undefined, { signal: until, ref: false });
        const answer = await Promise.race([promise, waited]);
        if (answer !== undefined) return answer;
      } finally {
        waiting.abort();
      }
      if (await isAliveAnyway()) return undefined;
    }
  }
}

/** A kernel that answers on no websocket is not helped by one more. */
const MOST_RENEWALS = 2;

/**
 * A websocket that looks open and whose kernel gets nothing of what is written: the gateway's own sockets to the kernel can
 * be dead, and it keeps them for the session that comes back.
 */
export class StaleSocket {
  readonly #staleMs: number;
  readonly #handshake: Pick<Handshake, 'owedMs' | 'answers'>;
  readonly #socket: { readonly silentMs: number; renew(): void };
  #answers = 0;
  #renewals = 0;

  constructor(
    staleMs: number,
    handshake: Pick<Handshake, 'owedMs' | 'answers'>,
    socket: { readonly silentMs: number; renew(): void },
  ) {
    this.#staleMs = staleMs;
    this.#handshake = handshake;
    this.#socket = socket;
  }

  /** The kernel is idle: where it nevertheless answers nothing, the websocket is renewed. True after trying in vain. */
  renewIfStale(): boolean {
    const { owedMs, answers } = this.#handshake;
    if (owedMs < this.#staleMs || this.#socket.silentMs < this.#staleMs) return false;
    if (answers > this.#answers) this.#renewals = 0;
    this.#answers = answers;
    if (this.#renewals >= MOST_RENEWALS) return true;
    this.#renewals += 1;
    this.#socket.renew();
    return false;
  }
}
