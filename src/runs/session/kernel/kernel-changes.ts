import { untilAborted } from '../../../gateway/waits.ts';

export type KernelChange = 'restarting' | 'ending';

/** The restarts and deletions of one kernel, one after the other. */
export class KernelChanges {
  #last: { kind: KernelChange; settled: Promise<void> } | undefined;

  /** The one asked for last, while it is under way. */
  get current(): KernelChange | undefined {
    return this.#last?.kind;
  }

  /** Rejects with the signal's reason. */
  async untilNone(signal: AbortSignal): Promise<void> {
    while (this.#last !== undefined) await untilAborted(this.#last.settled, signal);
  }

  async make(kind: KernelChange, work: () => Promise<void>): Promise<void> {
    const done = (this.#last?.settled ?? Promise.resolve()).then(work);
    const change = { kind, settled: done.catch(() => undefined) };
    this.#last = change;
    try {
      await done;
    } finally {
      if (this.#last === change) this.#last = undefined;
    }
  }
}
