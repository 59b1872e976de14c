/** First come, first served: at most `most` holders at once; those waiting are told how many are before them. */
export interface Turns {
  /** Resolves with what gives the turn back. Rejects when `signal` aborts before the turn came. */
  take(onTurn?: (before: number) => void, signal?: AbortSignal): Promise<() => void>;
}

interface Waiter {
  onTurn: ((before: number) => void) | undefined;
  begin: () => void;
}

export function openTurns(most: number): Turns {
  const waiting: Waiter[] = [];
  let held = 0;

  const tellPlaces = () => waiting.forEach((waiter, index) => waiter.onTurn?.(held + index));
  const giveBack = () => {
    held -= 1;
    waiting.shift()?.begin();
    tellPlaces();
  };
  const hold = (): (() => void) => {
    held += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      giveBack();
    };
  };

  return {
    take(onTurn, signal) {
      if (signal?.aborted === true) return Promise.reject(new Error('given up'));
      if (held < most) return Promise.resolve(hold());
      return new Promise((resolve, reject) => {
        const stop = () => {
          waiting.splice(waiting.indexOf(waiter), 1);
          tellPlaces();
          reject(new Error('given up'));
        };
        const waiter: Waiter = {
          onTurn,
          begin: () => {
            signal?.removeEventListener('abort', stop);
            resolve(hold());
          },
        };
        signal?.addEventListener('abort', stop, { once: true });
        waiting.push(waiter);
        onTurn?.(held + waiting.length - 1);
      });
    },
  };
}
