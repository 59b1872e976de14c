import type { ReceivedSoFar } from '../outputs.ts';
import { splitId } from '../protocol/messages.ts';

/** A reconnect can repeat what was on its way when the websocket broke, not what came long before. */
const REMEMBERED_IDS = 500;
/** So many numbers are not worth storing: then there is no proof for a later process. */
const MOST_STORED = 100;
/** So many numbers of others beyond the execution's own last are not remembered: then there is no proof. */
const MOST_BEYOND = 10_000;

/**
 * What a connection has received: each message once, because a replay may bring what had come already (protocol.md §3.8),
 * and the proof that nothing of an execution was lost: ipykernel numbers all its messages, to every client
 * (`session_pid_n`, jupyter_client's Session), so an execution of which every number came is whole, whatever happened
 * to the websocket meanwhile. Other kernels give no proof, and neither does a number that went to another client.
 */
export class ReceivedMessages {
  readonly #ids = new Set<string>();
  #prefix = '';
  #first = 0;
  /** The execution's own highest number. */
  #last = 0;
  /** How many came of those from first to last, and which others are beyond: channels overtake each other. */
  #seen = 0;
  #beyond = new Set<number>();

  constructor(before?: ReceivedSoFar) {
    if (before === undefined) return;
    this.#prefix = before.prefix;
    this.#first = before.first;
    this.#last = before.last;
    this.#seen = before.seen;
    this.#beyond = new Set(before.beyond);
  }

  /** For a later process that goes on with this execution; undefined where the kernel has no numbers. */
  soFar(): ReceivedSoFar | undefined {
    if (this.#prefix === '' || this.#beyond.size > MOST_STORED) return undefined;
    return {
      prefix: this.#prefix,
      first: this.#first,
      last: this.#last,
      seen: this.#seen,
      beyond: [...this.#beyond],
    };
  }

  /** False for a message that came before. */
  isNew(msgId: string): boolean {
    if (msgId === '') return true;
    if (this.#ids.has(msgId)) return false;
    this.#ids.add(msgId);
    const [oldest] = this.#ids;
    if (this.#ids.size > REMEMBERED_IDS && oldest !== undefined) this.#ids.delete(oldest);
    return true;
  }

  /** The first message of an execution. */
  begin(msgId: string): void {
    const { prefix, number } = splitId(msgId);
    this.#prefix = prefix;
    this.#first = number;
    this.#last = number;
    this.#seen = 1;
    this.#beyond.clear();
  }

  /** The execution has ended: what comes from now on is counted for nothing. */
  end(): void {
    this.#prefix = '';
    this.#beyond.clear();
  }

  /** Another message of this execution. */
  countOwn(msgId: string): void {
    const number = this.#numberOf(msgId);
    if (number === undefined) return;
    this.#seen += 1;
    if (number < this.#last) return;
    this.#last = number;
    for (const other of this.#beyond) {
      if (other > number) continue;
      this.#seen += 1;
      this.#beyond.delete(other);
    }
  }

  /** A message that the kernel sent in between, to us or to everybody. */
  countOther(msgId: string): void {
    const number = this.#numberOf(msgId);
    if (number === undefined) return;
    if (number < this.#last) this.#seen += 1;
    else this.#beyond.add(number);
    if (this.#beyond.size > MOST_BEYOND) this.end();
  }

  /** All from the first to the execution's last number came. */
  get isWhole(): boolean {
    return this.#prefix !== '' && this.#seen === this.#last - this.#first + 1;
  }

  #numberOf(msgId: string): number | undefined {
    if (this.#prefix === '' || !msgId.startsWith(this.#prefix)) return undefined;
    const { prefix, number } = splitId(msgId);
    return prefix === this.#prefix && number > this.#first ? number : undefined;
  }
}
