import { isUtf8 } from 'node:buffer';
import { hasTime, inOwnTurn } from '../event-loop.ts';
import { isCostly } from '../protocol/json.ts';
import { jsonPart } from '../protocol/wire.ts';

export type SocketEvent =
  /** Before the first frame. */
  | { kind: 'open' }
  /** `bytes`: length of the frame that it came in. */
  | { kind: 'frame'; json: string; bytes: number }
  /** A message is lost: one over `maxMessageBytes`, after which the websocket closes, one of too many values, or one that cannot be read. */
  | { kind: 'tooBig' }
  /** Once, for a websocket that had been open. 1005: no code given, 1006: it broke. */
  | { kind: 'close'; code: number };

/** From here on the bot notices that a frame is read. */
const LONG_BYTES = 300_000;

/** A long frame that is not weighed yet. */
type LongFrame = { kind: 'long'; json: Buffer; bytes: number };

/**
 * Gives the events of one websocket in their order, in turns of the event loop: one read of a socket may bring thousands. A
 * long frame is weighed, decoded and read in a turn each, which no other websocket's has; one that would hold up everybody
 * else is `tooBig`.
 */
export class EventTurns {
  readonly #onEvent: (event: SocketEvent) => void;
  readonly #onFlow: () => void;
  readonly #waiting: (SocketEvent | LongFrame)[] = [];

  /** `onFlow`: `isBehind` has changed. */
  constructor(onEvent: (event: SocketEvent) => void, onFlow: () => void) {
    this.#onEvent = onEvent;
    this.#onFlow = onFlow;
  }

  /** Meanwhile nothing more should be read from the websocket. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  /** What holds no JSON is dropped: it must not cost the others. */
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

  /** Once all that came until now is given. */
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

  /** Whatever a reader does with it, what waits behind it is given. */
  async #giveLong({ json, bytes }: LongFrame): Promise<void> {
    try {
      // What is no UTF-8 is no JSON, and takes ten times as long to become text.
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
