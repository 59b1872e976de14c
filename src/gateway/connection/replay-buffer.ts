import type { KernelMessage } from '../protocol/wire.ts';

const HIGH_BYTES = 4 * 2 ** 20;
/** What a message costs beside its frame. */
const OVERHEAD_BYTES = 200;

/**
 * Messages of executions that an earlier process wrote under our session id: the gateway replays them before anybody
 * can have called `resume`. Over `HIGH_BYTES` the websocket is to be paused until they are claimed or dropped.
 */
export class ReplayBuffer {
  readonly #byExecution = new Map<string, KernelMessage[]>();
  readonly #onFull: (isFull: boolean) => void;
  #bytes = 0;
  #isOpen = true;
  #timer: NodeJS.Timeout | undefined;
  isFull = false;

  constructor(onFull: (isFull: boolean) => void) {
    this.#onFull = onFull;
  }

  add(message: KernelMessage): void {
    if (!this.#isOpen) return;
    const others = this.#byExecution.get(message.parentId);
    if (others === undefined) this.#byExecution.set(message.parentId, [message]);
    else others.push(message);
    this.#weigh(message.bytes + OVERHEAD_BYTES);
  }

  /** Hands over what came for `msgId`; what belongs to others stays. */
  claim(msgId: string): KernelMessage[] {
    const messages = this.#byExecution.get(msgId) ?? [];
    this.#byExecution.delete(msgId);
    this.#weigh(-messages.reduce((sum, { bytes }) => sum + bytes + OVERHEAD_BYTES, 0));
    return messages;
  }

  dropIn(ms: number): void {
    this.#timer = setTimeout(() => this.drop(), ms).unref();
  }

  /** Nothing will be claimed any more. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#isOpen = false;
    this.#byExecution.clear();
    this.#weigh(-this.#bytes);
  }

  #weigh(change: number): void {
    this.#bytes += change;
    const isFull = this.#bytes > HIGH_BYTES;
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    this.#onFull(isFull);
  }
}
