import type { Keyv } from 'keyv';
import { type KernelRecord, kernelRecordSchema } from './kernel-record.ts';

/** The records of all lanes' kernels in Keyv, one to a lane. */
export class KernelRecords {
  readonly #keyv: Keyv;

  constructor(keyv: Keyv) {
    this.#keyv = keyv;
  }

  async find(lane: string): Promise<KernelRecord | undefined> {
    const kept: unknown = await this.#keyv.get(lane);
    return kept === undefined ? undefined : kernelRecordSchema.parse(kept);
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
