import { Recent } from './recent.ts';

/**
 * What a connection has heard: each message once, because a replay may bring what had come already (protocol.md §3.8),
 * and the proof that nothing of an execution was lost: ipykernel numbers all its messages, whoever they go to
 * (`session_pid_n`, jupyter_client's Session), so an execution of which every number came is whole, whatever happened
 * to the socket meanwhile. Other kernels give no proof, and neither does a number that went to another client.
 */
export class HeardMessages {
  readonly #ids = new Recent<true>(2000);
  #prefix = '';
  #first = 0;
  #last = 0;
  #seen = 0;

  /** False for a message that was heard before. */
  take(msgId: string): boolean {
    if (msgId === '') return true;
    if (this.#ids.has(msgId)) return false;
    this.#ids.add(msgId, true);
    this.count(msgId);
    return true;
  }

  /** The first message of an execution. */
  begin(msgId: string): void {
    const { prefix, number } = splitId(msgId);
    this.#prefix = prefix;
    this.#first = number;
    this.#last = number;
    this.#seen = 1;
  }

  /** Every other message of the kernel, once each; `take` does it for those that come. */
  count(msgId: string): void {
    if (this.#prefix === '' || !msgId.startsWith(this.#prefix)) return;
    const { prefix, number } = splitId(msgId);
    if (prefix !== this.#prefix || number <= this.#first) return;
    this.#seen += 1;
    if (number > this.#last) this.#last = number;
  }

  /** All from the first to the highest number came. */
  get isWhole(): boolean {
    return this.#prefix !== '' && this.#seen === this.#last - this.#first + 1;
  }
}

function splitId(msgId: string): { prefix: string; number: number } {
  const cut = msgId.lastIndexOf('_');
  const number = Number(msgId.slice(cut + 1));
  const isNumbered = cut > 0 && /_\d+$/.test(msgId.slice(0, cut)) && Number.isSafeInteger(number);
  return isNumbered ? { prefix: msgId.slice(0, cut + 1), number } : { prefix: '', number: 0 };
}
