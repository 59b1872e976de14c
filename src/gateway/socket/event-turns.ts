import { isUtf8 } from 'node:buffer';
import { hasTime, inOwnTurn, isCostly } from '../event-loop.ts';
import { jsonPart } from '../protocol/wire.ts';

export type SocketEvent =
  /** Comes before the first frame. */
  | { kind: 'open' }
  /** `bytes`: length of its frame. */
  | { kind: 'frame'; json: string; bytes: number }
  /**
   * A message is lost: it was longer than `maxMessageBytes` (the websocket then closes), had too many values, or could
   * not be read.
   */
  | { kind: 'tooBig' }
  /** Comes once for a websocket that was open. 1005: no code given, 1006: the connection broke. */
  | { kind: 'close'; code: number };

/** Frames from this length on take noticeable time. */
const LONG_BYTES = 300_000;

/** A long frame that has not been checked yet. */
type LongFrame = { kind: 'long'; json: Buffer; bytes: number };

/**
 * Delivers the events of one websocket in order, in turns of the event loop, because one read may bring thousands. A
 * long frame is checked, decoded and delivered in turns of its own, which it shares with no other websocket; one that
 * would hold up everything else becomes `tooBig`.
 */
export class EventTurns {
  readonly #onEvent: (event: SocketEvent) => void;
  readonly #onFlow: () => void;
  readonly #waiting: (SocketEvent | LongFrame)[] = [];

  /** `onFlow` is called when `isBehind` has changed. */
  constructor(onEvent: (event: SocketEvent) => void, onFlow: () => void) {
    this.#onEvent = onEvent;
    this.#onFlow = onFlow;
  }

  /** While true, nothing more should be read from the websocket. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  /** A frame without JSON is dropped, so that it does not affect others. */
  giveFrame(frame: Buffer, isBinary: boolean): void {
    const json = jsonPart(frame, isBinary);
    const bytes = frame.length;
    if (json === undefined) return;
    if (json.length < LONG_BYTES) return this.give({ kind: 'frame', json: json.toString('utf8'), bytes });
    this.#push({ kind: 'long', json, bytes });
  }

  give(event: SocketEvent): void {
    if (this.isBehind || !hasTime()) this.#push(event);
    else this.#onEvent(event);
  }

  /** Calls `then` once all events so far are delivered. */
  whenGiven(then: () => void): void {
    if (this.isBehind) setImmediate(() => this.whenGiven(then));
    else then();
  }

  #push(event: SocketEvent | LongFrame): void {
    this.#waiting.push(event);
    if (this.#waiting.length > 1) return;
    this.#onFlow();
    setImmediate(() => this.#giveFirst());
  }

  #giveFirst(): void {
    for (let event = this.#waiting[0]; event !== undefined; [event] = this.#waiting) {
      if (event.kind === 'long') return void this.#giveLong(event);
      this.#onEvent(event);
      this.#waiting.shift();
      if (this.isBehind && !hasTime()) return void setImmediate(() => this.#giveFirst());
    }
    this.#onFlow();
  }

  /** Even if the listener fails, the events behind it are delivered. */
  async #giveLong({ json, bytes }: LongFrame): Promise<void> {
    try {
      // Bytes that are not UTF-8 cannot be JSON, and decoding them takes ten times as long.
      const isTooBig = await inOwnTurn(() => !isUtf8(json) || isCostly(json));
      const text = isTooBig ? '' : await inOwnTurn(() => json.toString('utf8'));
      const event: SocketEvent = isTooBig ? { kind: 'tooBig' } : { kind: 'frame', json: text, bytes };
      await inOwnTurn(() => this.#onEvent(event));
    } finally {
      this.#waiting.shift();
      this.#giveFirst();
    }
  }
}
