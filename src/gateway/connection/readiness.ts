import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KernelInfo } from '../gateway.ts';
import { isIpykernel, readKernelInfo, UNKNOWN_KERNEL_INFO } from '../protocol/messages.ts';
import type { KernelMessage, OutgoingMessage } from '../protocol/wire.ts';

/** The kernel_info handshake of one connection: its requests and the callers that wait for their replies. */
export class Handshake {
  /** What the latest reply said of the kernel. */
  info: KernelInfo = UNKNOWN_KERNEL_INFO;
  /** The ipykernel process that answered last; other kernels' sessions say nothing about their process (trap 41). */
  processSession = '';
  /** Replies so far. */
  answers = 0;
  /** Counts the websockets: what was asked on an earlier one may never be answered. */
  websocket = 0;
  /** Replies on this websocket, on whatever channel. */
  #heard = 0;
  #isAskedAside = false;
  #owedSinceMs: number | undefined;
  readonly #asked = new Map<string, { channel: 'shell' | 'control'; onReply: () => void }>();
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
  ask(onReply: () => void): void {
    this.#owedSinceMs ??= performance.now();
    this.#request('shell', onReply);
  }

  /** Asks on the channel that ipykernel answers in the middle of its work: whether it is there, and which process it is. */
  askAside(): void {
    if (this.#isAskedAside) return;
    this.#isAskedAside = true;
    this.#request('control', () => undefined);
  }

  /**
   * After an interrupt: at an `await` ipykernel's loop sleeps on through the signal, until something comes on the channel
   * that it reads (protocol.md §3.6). Other kernels take a signal by themselves.
   */
  wake(): void {
    if (isIpykernel(this.info)) this.#request('shell', () => undefined);
  }

  #request(channel: 'shell' | 'control', onReply: () => void): void {
    const msgId = randomUUID();
    this.#asked.set(msgId, { channel, onReply });
    this.#send({ channel, type: 'kernel_info_request', msgId, session: this.#sessionId, content: {} });
  }

  /** True when the message answers a request of ours. */
  take(message: KernelMessage): boolean {
    if (message.type !== 'kernel_info_reply') return false;
    const asked = this.#asked.get(message.parentId);
    if (asked === undefined) return false;
    this.#asked.delete(message.parentId);
    this.#heard += 1;
    if (asked.channel === 'shell') {
      this.#owedSinceMs = undefined;
      this.answers += 1;
    } else this.#isAskedAside = false;
    const info = readKernelInfo(message.content);
    const session = isIpykernel(info) ? message.session : '';
    const isOther = session !== '' && this.processSession !== '' && session !== this.processSession;
    if (isOther) this.#onOtherProcess();
    this.processSession = session;
    this.info = info;
    asked.onReply();
    return true;
  }

  /** The websocket is gone, and with it the replies. */
  forget(): void {
    this.#heard = 0;
    this.#isAskedAside = false;
    this.websocket += 1;
    this.#asked.clear();
    this.#owedSinceMs = undefined;
  }

  /** The process that answered is gone; the next one is of its kind, and another. */
  forgetProcess(): void {
    this.processSession = '';
    this.info = { ...this.info };
  }

  /** What is written on this websocket arrives at the kernel. */
  get hasAnswered(): boolean {
    return this.#heard > 0;
  }

  /** How long requests have gone unanswered on this websocket. */
  get owedMs(): number {
    return this.#owedSinceMs === undefined ? 0 : performance.now() - this.#owedSinceMs;
  }

  /**
   * Asks until the kernel answers, at growing distances, because a reply may be lost while the gateway subscribes
   * (protocol.md §2.1). Other proof that it is there is looked for after each wait, because a kernel at work answers when
   * it is done (trap 33): its answer on control, and `isAliveAnyway`.
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
      this.askAside();
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
