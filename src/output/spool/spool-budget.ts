/** All runs' output together has used up SPOOL_LIMIT. */
export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';

  constructor() {
    super('the output of all runs together has reached SPOOL_LIMIT');
  }
}

/**
 * The bytes that all runs of this process may have on the disk together (SPOOL_LIMIT). Output of posted runs that is
 * there only for what may come late is deleted when others need its room, the oldest first.
 */
export class SpoolBudget {
  readonly #maxBytes: number;
  readonly #spare = new Set<() => void>();
  usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many of `wanted` bytes may be written. */
  roomFor(wanted: number): number {
    for (const giveUp of this.#spare) {
      if (this.#maxBytes - this.usedBytes >= wanted) break;
      this.#spare.delete(giveUp);
      giveUp();
    }
    return Math.max(0, Math.min(wanted, this.#maxBytes - this.usedBytes));
  }

  /** Less than 0: they are free again. */
  count(bytes: number): void {
    this.usedBytes += bytes;
  }

  /** `giveUp` is called, once, when others need the room; it counts its bytes back at once. */
  offer(giveUp: () => void): void {
    this.#spare.add(giveUp);
  }

  withdraw(giveUp: (() => void) | undefined): void {
    if (giveUp !== undefined) this.#spare.delete(giveUp);
  }
}
