import type { StartKernel } from './gateway.ts';

interface Turn {
  owner: string;
  /** One owner has at most one turn in each round. */
  round: number;
}

interface Waiter extends Turn {
  onTurn: ((before: number) => void) | undefined;
  /** The last number given to `onTurn`. */
  before: number | undefined;
  begin: () => void;
}

/**
 * Allows at most `most` turns at once. Owners take turns in rounds, so that ten requests of one owner do not delay
 * the single request of another. Within a round the order is first come, first served.
 */
export class Turns {
  readonly #most: number;
  readonly #held = new Set<Turn>();
  #waiting: Waiter[] = [];
  #round = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves with a function that ends the turn. Rejects with the signal's reason if the signal is aborted first. */
  take({
    owner = '',
    onTurn,
    signal,
  }: Pick<StartKernel, 'owner' | 'onTurn' | 'signal'>): Promise<() => void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const turn = { owner, round: this.#nextRoundOf(owner) };
    if (this.#held.size < this.#most) return Promise.resolve(this.#hold(turn));
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        this.#notifyPlaces();
        reject(signal?.reason);
      };
      const begin = () => {
        signal?.removeEventListener('abort', stop);
        resolve(this.#hold(turn));
      };
      const waiter: Waiter = { ...turn, onTurn, before: undefined, begin };
      signal?.addEventListener('abort', stop, { once: true });
      // After all others of its round, before those of later rounds.
      this.#waiting = [...this.#waiting, waiter].toSorted((a, b) => a.round - b.round);
      this.#notifyPlaces();
    });
  }

  #nextRoundOf(owner: string): number {
    const own = [...this.#held, ...this.#waiting].filter((turn) => turn.owner === owner);
    return Math.max(this.#round, ...own.map(({ round }) => round + 1));
  }

  #hold(turn: Turn): () => void {
    this.#held.add(turn);
    this.#round = Math.max(this.#round, turn.round);
    return () => {
      this.#held.delete(turn);
      this.#waiting.shift()?.begin();
      this.#notifyPlaces();
    };
  }

  #notifyPlaces(): void {
    for (const [index, waiter] of this.#waiting.entries()) {
      const before = this.#held.size + index;
      if (waiter.before !== before) waiter.onTurn?.(before);
      waiter.before = before;
    }
  }
}
