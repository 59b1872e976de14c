import type { Log } from '../../../log.ts';
import { atMost } from '../../../waits.ts';
import { LatestWriter } from '../store-writes.ts';
import type { KernelRecord, KernelRecords, StoredKernel } from './kernel-record.ts';

/** How long writes of the record are waited for when this process ends. */
const CLOSING_MS = 1_000;

/**
 * What a session remembers of its kernel, in memory at once and in the store behind: the record, and the loss that the
 * next run tells.
 */
export class SessionRecord {
  #current: KernelRecord | undefined;
  #loss: string | undefined;
  #storedLoss: string | undefined;
  readonly #queue: string;
  readonly #records: KernelRecords;
  readonly #writer: LatestWriter;
  readonly #closing = new AbortController();

  constructor(queue: string, { record, loss }: StoredKernel, records: KernelRecords, log: Log) {
    this.#queue = queue;
    this.#current = record;
    this.#loss = loss;
    this.#storedLoss = loss;
    this.#records = records;
    this.#writer = new LatestWriter(() => this.#write(), this.#closing.signal, log);
  }

  get current(): KernelRecord | undefined {
    return this.#current;
  }

  get hasLoss(): boolean {
    return this.#loss !== undefined;
  }

  /** The next write takes it away from the store as well. */
  takeLoss(): string | undefined {
    const loss = this.#loss;
    this.#loss = undefined;
    return loss;
  }

  /** Resolves when the store has it. */
  async replace(record: KernelRecord): Promise<void> {
    this.#current = record;
    await this.#writer.save();
  }

  note(change: Partial<KernelRecord>): void {
    if (this.#current === undefined) return;
    this.#current = { ...this.#current, ...change };
    this.saveBehind();
  }

  /** In memory only, until {@link saveBehind}. */
  drop(loss: string | undefined): void {
    this.#current = undefined;
    if (loss !== undefined) this.#loss = loss;
  }

  saveBehind(): void {
    this.#writer.save().catch(() => undefined);
  }

  /** The store was emptied. */
  storeAgain(): void {
    this.#storedLoss = undefined;
    this.saveBehind();
  }

  async close(): Promise<void> {
    await atMost(this.#writer.idle, CLOSING_MS);
    this.#closing.abort();
  }

  async #write(): Promise<boolean> {
    const loss = this.#loss;
    if (this.#current === undefined) await this.#records.remove(this.#queue);
    else await this.#records.save(this.#current);
    if (loss !== this.#storedLoss) {
      await (loss === undefined
        ? this.#records.removeLoss(this.#queue)
        : this.#records.saveLoss(this.#queue, loss));
      this.#storedLoss = loss;
    }
    return true;
  }
}
