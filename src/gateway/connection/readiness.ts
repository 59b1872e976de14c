import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { KernelInfo } from '../gateway.ts';
import { readKernelInfo } from '../protocol/messages.ts';
import type { KernelMessage, OutgoingMessage } from '../protocol/wire.ts';

/** `kernel_info_request`s of one connection and who waits for their replies. */
export class KernelGreeting {
  /** The ipykernel process that answered last; other kernels' sessions say nothing about their process (trap 41). */
  processSession = '';
  /** Called before the reply of a process that is not the one before counts. */
  onOtherProcess: () => void = () => undefined;
  /** Replies so far. */
  answers = 0;
  #owedSinceMs: number | undefined;
  readonly #asked = new Map<string, (info: KernelInfo) => void>();
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => void;

  constructor(sessionId: string, send: (message: OutgoingMessage) => void) {
    this.#sessionId = sessionId;
    this.#send = send;
  }

  /** Sends one request; `onReply` is called at most once. */
  ask(onReply: (info: KernelInfo) => void): void {
    const msgId = randomUUID();
    this.#asked.set(msgId, onReply);
    this.#owedSinceMs ??= performance.now();
    this.#send({
      channel: 'shell',
      type: 'kernel_info_request',
      msgId,
      session: this.#sessionId,
      content: {},
    });
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
    if (isOther) this.onOtherProcess();
    this.processSession = session;
    onReply(info);
    return true;
  }

  /** The socket is gone, and with it the replies. */
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
   * (protocol.md §2.1). `isAliveAnyway` looks for other proof after each wait: a kernel that works on somebody's code
   * answers when it is done (trap 33).
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
        const answer = await Promise.race([
          promise,
          pause(waitMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]), ref: false }),
        ]);
        if (answer !== undefined) return answer;
      } finally {
        waiting.abort();
      }
      if (await isAliveAnyway()) return undefined;
    }
  }
}
