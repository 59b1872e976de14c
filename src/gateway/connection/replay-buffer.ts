import type { KernelMessage } from '../protocol/wire.ts';

/**
 * Messages of executions that an earlier process wrote under our session id: the gateway replays them before anybody
 * can have called `resume`. Over `highBytes` the socket is to be paused until they are claimed or dropped.
 */
export class Unclaimed {
  readonly #byExecution = new Map<string, KernelMessage[]>();
  readonly #onFull: (isFull: boolean) => void;
  #bytes = 0;
  #isOpen = true;
  isFull = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onFull: (isFull: boolean) => void) {
    this.#onFull = onFull;
  }

  add(message: KernelMessage): void {
    if (!this.#isOpen) return;
    const others = this.#byExecution.get(message.parentId);
    if (others === undefined) this.#byExecution.set(message.parentId, [message]);
    else others.push(message);
    this.#bytes += textLength(message.content);
    if (this.#bytes > highBytes && !this.isFull) {
      this.isFull = true;
      this.#onFull(true);
    }
  }

  /** Hands over what came for `msgId`; what belongs to others stays. */
  claim(msgId: string): KernelMessage[] {
    const messages = this.#byExecution.get(msgId) ?? [];
    this.#byExecution.delete(msgId);
    for (const message of messages) this.#bytes -= textLength(message.content);
    this.#relax();
    return messages;
  }

  dropIn(ms: number): void {
    this.#timer = setTimeout(() => this.drop(), ms).unref();
  }

  /** Nobody will claim any more. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#isOpen = false;
    this.#byExecution.clear();
    this.#bytes = 0;
    this.#relax();
  }

  #relax(): void {
    if (!this.isFull || this.#bytes > highBytes) return;
    this.isFull = false;
    this.#onFull(false);
  }
}

const highBytes = 4 * 2 ** 20;

function textLength(content: KernelMessage['content']): number {
  const { text, data } = content;
  if (typeof text === 'string') return text.length + 200;
  return data === undefined ? 200 : JSON.stringify(data).length;
}
