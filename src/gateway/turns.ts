interface Turn {
  owner: string;
  /** Of one owner's turns no two are in the same round. */
  round: number;
}

interface Waiter extends Turn {
  onTurn: ((before: number) => void) | undefined;
  /** The place that was told last. */
  before: number | undefined;
  begin: () => void;
}

export interface TurnWanted {
  /** Who is to get no more than a fair share; by default all are one. */
  owner?: string;
  /** Told how many are before it, whenever that changes. */
  onTurn?: (before: number) => void;
  /** Aborted: the turn is not wanted any more. */
  signal?: AbortSignal;
}

/**
 * At most `most` turns at once. Those waiting take turns by owner, round by round: who asks for ten does not keep waiting
 * who asks for one. Within a round the first to come is the first.
 */
export class Turns {
  readonly #most: number;
  readonly #held = new Set<Turn>();
  #waiting: Waiter[] = [];
  #round = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves with what gives the turn back. Rejects with the signal's reason when that aborts before the turn came. */
  take({ owner = '', onTurn, signal }: TurnWanted): Promise<() => void> {
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
      // Behind all of its round, before all of later ones.
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
