import { isCostly } from '../protocol/json.ts';
import { jsonPart } from '../protocol/wire.ts';

export type SocketEvent =
  /** Before the first frame. */
  | { kind: 'open' }
  | { kind: 'frame'; frame: Buffer; isBinary: boolean }
  /** A message is lost: one over `maxMessageBytes`, after which the websocket closes, or one of too many values. */
  | { kind: 'tooBig' }
  /** Once, for a websocket that had been open. 1005: no code given, 1006: it broke. */
  | { kind: 'close'; code: number };

/** From here on a frame is weighed, and the bot may notice that it is read. */
const LONG_BYTES = 300_000;

/**
 * Gives the events of one websocket in their order. A long frame is weighed in a turn of the event loop of its own and
 * read in the next one; one whose reading would hold up everybody else is `tooBig`.
 */
export class EventTurns {
  readonly #onEvent: (event: SocketEvent) => void;
  readonly #onFlow: () => void;
  readonly #waiting: SocketEvent[] = [];

  /** `onFlow`: `isBehind` has changed. */
  constructor(onEvent: (event: SocketEvent) => void, onFlow: () => void) {
    this.#onEvent = onEvent;
    this.#onFlow = onFlow;
  }

  /** Meanwhile nothing more should be read from the websocket. */
  get isBehind(): boolean {
    return this.#waiting.length > 0;
  }

  give(event: SocketEvent): void {
    if (!this.isBehind && !isLong(event)) return this.#onEvent(event);
    this.#waiting.push(event);
    if (this.#waiting.length > 1) return;
    this.#onFlow();
    setImmediate(() => this.#weighFirst());
  }

  /** Once all that came until now is given. */
  whenGiven(then: () => void): void {
    if (this.isBehind) setImmediate(() => this.whenGiven(then));
    else then();
  }

  #weighFirst(): void {
    const [first] = this.#waiting;
    if (first?.kind === 'frame' && isCostly(jsonPart(first.frame, first.isBinary) ?? Buffer.alloc(0)))
      this.#waiting[0] = { kind: 'tooBig' };
    setImmediate(() => this.#giveFirst());
  }

  #giveFirst(): void {
    for (let event = this.#waiting[0]; event !== undefined; [event] = this.#waiting) {
      this.#onEvent(event);
      this.#waiting.shift();
      const [next] = this.#waiting;
      if (next !== undefined && isLong(next)) return void setImmediate(() => this.#weighFirst());
    }
    this.#onFlow();
  }
}

function isLong(event: SocketEvent): boolean {
  return event.kind === 'frame' && event.frame.length >= LONG_BYTES;
}
