import { randomUUID } from 'node:crypto';
import { readExecuteReply } from '../protocol/messages.ts';
import { executeRequest, type KernelMessage, type OutgoingMessage } from '../protocol/wire.ts';

/**
 * Asks a kernel by an empty execution behind one of which nothing comes: every kernel takes executions in order, so its
 * reply proves that the one before has ended, and its count tells a new process (protocol.md §3.12). It does nothing,
 * shows nothing, and waits in the kernel for as long as the code before it runs.
 */
export class OrderProof {
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => boolean;
  readonly #asked = new Map<string, (executionCount: number | undefined) => void>();

  /** `send` gives false when nothing may be written. */
  constructor(sessionId: string, send: (message: OutgoingMessage) => boolean) {
    this.#sessionId = sessionId;
    this.#send = send;
  }

  /** `onProven` gets the count that the reply names. False when nothing could be sent. */
  ask(onProven: (executionCount: number | undefined) => void): boolean {
    const msgId = randomUUID();
    const request = { code: '', allowStdin: false, silent: true };
    const isSent = this.#send(executeRequest(this.#sessionId, msgId, request));
    if (isSent) this.#asked.set(msgId, onProven);
    return isSent;
  }

  /** True when the message belongs to a proof. */
  take(message: KernelMessage): boolean {
    const onProven = this.#asked.get(message.parentId);
    if (onProven === undefined) return false;
    if (message.type !== 'execute_reply') return true;
    this.#asked.delete(message.parentId);
    onProven(readExecuteReply(message.content).executionCount);
    return true;
  }
}
