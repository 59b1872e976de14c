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
  /**
   * `last`: the highest number of the execution itself; `seen`: how many from first to last have arrived. `beyond`: later
   * ones of others, because channels overtake each other.
   */
  #counted = { prefix: '', first: 0, last: 0, seen: 0, beyond: new Set<number>() };

  constructor(before?: ReceivedSoFar) {
    if (before !== undefined) this.#counted = { ...before, beyond: new Set(before.beyond) };
  }

  /** For a later process that resumes this execution; undefined if the kernel does not number its messages. */
  soFar(): ReceivedSoFar | undefined {
    const { prefix, beyond } = this.#counted;
    if (prefix === '' || beyond.size > MOST_STORED) return undefined;
    return { ...this.#counted, beyond: [...beyond] };
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
    this.#counted = { prefix, first: number, last: number, seen: 1, beyond: new Set() };
  }

  /** The execution has ended; later messages are not counted. */
  end(): void {
    this.#counted.prefix = '';
    this.#counted.beyond.clear();
  }

  /** Counts another message of this execution. */
  countOwn(msgId: string): void {
    const number = this.#numberOf(msgId);
    if (number === undefined) return;
    const counted = this.#counted;
    counted.seen += 1;
    if (number < counted.last) return;
    counted.last = number;
    for (const other of counted.beyond) {
      if (other > number) continue;
      counted.seen += 1;
      counted.beyond.delete(other);
    }
  }

  /** Counts a message that does not belong to this execution. */
  countOther(msgId: string): void {
    const number = this.#numberOf(msgId);
    if (number === undefined) return;
    const counted = this.#counted;
    if (number < counted.last) counted.seen += 1;
    else counted.beyond.add(number);
    if (counted.beyond.size > MOST_BEYOND) this.end();
  }

  /** Whether every number from the execution's first to its last has arrived. */
  get isWhole(): boolean {
    const { prefix, first, last, seen } = this.#counted;
    return prefix !== '' && seen === last - first + 1;
  }

  #numberOf(msgId: string): number | undefined {
    const counted = this.#counted;
    if (counted.prefix === '' || !msgId.startsWith(counted.prefix)) return undefined;
    const { prefix, number } = splitId(msgId);
    return prefix === counted.prefix && number > counted.first ? number : undefined;
  }
}
