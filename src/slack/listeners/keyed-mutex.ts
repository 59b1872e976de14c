/** One after the other for one key, side by side for others. */
export interface Turns {
  take(key: string, act: () => Promise<void>): Promise<void>;
}

/** An edit may arrive while its message is still being read: what concerns one message is judged in the order it came. */
export function startTurns(): Turns {
  const last = new Map<string, Promise<void>>();
  return {
    async take(key, act) {
      const before = last.get(key) ?? Promise.resolve();
      // The one before has told its own failure.
      const mine = before.catch(() => undefined).then(act);
      last.set(key, mine);
      try {
        await mine;
      } finally {
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
