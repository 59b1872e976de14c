import type { ReceivedSoFar } from '../outputs.ts';
import { splitId } from '../protocol/messages.ts';

/** After a reconnect only messages from around the break can be repeated. */
const REMEMBERED_IDS = 500;
/** With more numbers than this nothing is stored, and a later process has no proof. */
const MOST_STORED = 100;
/** With more foreign numbers than this beyond the execution's last, the proof is given up. */
const MOST_BEYOND = 10_000;

/**
 * Drops repeated messages (a replay may bring what had arrived, protocol.md §3.8) and proves that no message of an
 * execution is missing. ipykernel numbers all its messages to all clients (`session_pid_n`, jupyter_client's Session),
 * so an execution is complete if every number has arrived, even over a reconnect. There is no proof for other kernels,
 * or if a number went to another client.
 */
export class ReceivedMessages {
  readonly #ids = new Set<string>();
  #prefix = '';
  #first = 0;
  /** The highest number of the execution itself. */
  #last = 0;
  /** How many numbers from first to last have arrived, and which later ones of others: channels overtake each other. */
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

  /** For a later process that resumes this execution; undefined if the kernel does not number its messages. */
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

  /** False if the message has been received before. */
  isNew(msgId: string): boolean {
    if (msgId === '') return true;
    if (this.#ids.has(msgId)) return false;
    this.#ids.add(msgId);
    const [oldest] = this.#ids;
    if (this.#ids.size > REMEMBERED_IDS && oldest !== undefined) this.#ids.delete(oldest);
    return true;
  }

  /** Counts the first message of an execution. */
  begin(msgId: string): void {
    const { prefix, number } = splitId(msgId);
    this.#prefix = prefix;
    this.#first = number;
    this.#last = number;
    this.#seen = 1;
    this.#beyond.clear();
  }

  /** The execution has ended; later messages are not counted. */
  end(): void {
    this.#prefix = '';
    this.#beyond.clear();
  }

  /** Counts another message of this execution. */
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

  /** Counts a message that does not belong to this execution. */
  countOther(msgId: string): void {
    const number = this.#numberOf(msgId);
    if (number === undefined) return;
    if (number < this.#last) this.#seen += 1;
    else this.#beyond.add(number);
    if (this.#beyond.size > MOST_BEYOND) this.end();
  }

  /** Whether every number from the execution's first to its last has arrived. */
  get isWhole(): boolean {
    return this.#prefix !== '' && this.#seen === this.#last - this.#first + 1;
  }

  #numberOf(msgId: string): number | undefined {
    if (this.#prefix === '' || !msgId.startsWith(this.#prefix)) return undefined;
    const { prefix, number } = splitId(msgId);
    return prefix === this.#prefix && number > this.#first ? number : undefined;
  }
}
