import type { Keyv } from 'keyv';
import type { Log } from '../../log.ts';
import { type KernelRecord, kernelRecordSchema } from './kernel-record.ts';

/** The records of all lanes' kernels in Keyv, one to a lane. */
export class KernelRecords {
  readonly #keyv: Keyv;

  readonly #log: Log;

  constructor(keyv: Keyv, log: Log) {
    this.#keyv = keyv;
    this.#log = log;
  }

  async find(lane: string): Promise<KernelRecord | undefined> {
    const kept: unknown = await this.#keyv.get(lane);
    if (kept === undefined) return undefined;
    const record = kernelRecordSchema.safeParse(kept);
    if (record.success) return record.data;
    this.#log.error({ lane, reason: record.error.message }, 'the record of a kernel cannot be read');
    await this.keepLoss(lane, unreadableNote);
    await this.remove(lane);
    return undefined;
  }

  async keep(record: KernelRecord): Promise<void> {
    await this.#keyv.set(record.lane, record);
  }

  async remove(lane: string): Promise<void> {
    await this.#keyv.delete(lane);
  }

  /** What happened to a lane's kernel that nobody has read yet, as a sentence. */
  async loss(lane: string): Promise<string | undefined> {
    const kept: unknown = await this.#keyv.get(lossKey(lane));
    return typeof kept === 'string' ? kept : undefined;
  }

  async keepLoss(lane: string, sentence: string): Promise<void> {
    await this.#keyv.set(lossKey(lane), sentence);
  }

  async removeLoss(lane: string): Promise<void> {
    await this.#keyv.delete(lossKey(lane));
  }

  /** Every kept kernel of a workspace. */
  async list(workspace: string): Promise<KernelRecord[]> {
    const records: KernelRecord[] = [];
    const entries = this.#keyv.iterator?.(undefined) as AsyncIterable<[string, unknown]> | undefined;
    if (entries === undefined) return records;
    for await (const [, kept] of entries) {
      const record = kernelRecordSchema.safeParse(kept);
      if (record.success && record.data.workspace === workspace) records.push(record.data);
    }
    return records;
  }
}

/** No lane begins like this. */
function lossKey(lane: string): string {
  return `loss of ${lane}`;
}

const unreadableNote =
  'The bot’s record of the channel’s kernel could not be read, so a new one was started. The variables from before are lost.';
