import type { ExecutionLine } from './execution-queue.ts';
import type { KernelLife } from './lifecycle.ts';
import type { KeptLink } from '../socket/reconnecting-socket.ts';
import { executeRequest, inputReply, interruptRequest } from '../protocol/requests.ts';
import { encodeMessage, isTooLong, type KernelMessage, type OutgoingMessage } from '../protocol/wire.ts';

/** Whose requests one connection writes, and when its kernel takes one. */
export interface OutgoingHost {
  readonly sessionId: string;
  readonly line: ExecutionLine;
  readonly life: KernelLife;
}

/** What one connection writes to its kernel: requests one at a time and never twice (protocol.md §3). */
export class OutgoingRequests {
  readonly #host: OutgoingHost;
  readonly #link: KeptLink;
  readonly #unsentInputs: OutgoingMessage[] = [];

  constructor(host: OutgoingHost, link: KeptLink) {
    this.#host = host;
    this.#link = link;
  }

  /** Writes the next execution that waits, where the kernel takes one. */
  writeNext(): void {
    const { sessionId, line, life } = this.#host;
    const link = this.#link;
    while (life.isReady && link.isOpen) {
      const execution = line.next();
      if (execution === undefined) return;
      const request = executeRequest(sessionId, execution.msgId, execution.request);
      const frame = encodeMessage(request, new Date());
      if (isTooLong(frame)) {
        execution.finishAs('notSent', 'longer than the 10 MiB that a gateway takes');
        continue;
      }
      line.begin(execution);
      link.setBusy(true);
      link.send(frame);
      execution.markWritten();
      if (life.isBusyElsewhere) execution.tellBehindOthers();
    }
  }

  /**
   * Without an open socket the line is kept until {@link sendInputs}: the kernel waits for it. `request` is undefined
   * when an earlier process was asked: kernels take a line for what it is.
   */
  answerInput(request: KernelMessage | undefined, value: string): void {
    const reply = inputReply(this.#host.sessionId, request, value);
    if (!this.send(reply)) this.#unsentInputs.push(reply);
  }

  sendInputs(): void {
    for (const input of this.#unsentInputs.splice(0)) this.send(input);
  }

  /** False when it was given to no open socket. */
  sendInterrupt(): boolean {
    return this.send(interruptRequest(this.#host.sessionId));
  }

  send(message: OutgoingMessage): boolean {
    return this.#link.send(encodeMessage(message, new Date()));
  }
}
