import { entriesOf } from '../../store/keyv.ts';
import type { Keyv } from 'keyv';
import { z } from 'zod';

const settingsSchema = z.object({
  /** Chosen with `use`. */
  kernelspec: z.string().optional(),
  /** Chosen with `use sql`; absent: the kernelspec's own language. */
  dialect: z.literal('sql').optional(),
  /** `/spark auto on|off`; absent: AUTO_RUN decides. */
  auto: z.boolean().optional(),
});
export type ChannelSettings = z.infer<typeof settingsSchema>;
const storedSchema = settingsSchema.catch({});

export interface ChannelSettingsStore {
  read(workspace: string, channel: string): Promise<ChannelSettings>;
  /** Resolves once the store has it. */
  change(workspace: string, channel: string, change: Partial<ChannelSettings>): Promise<void>;
}

/** What channels have chosen: in memory, and in Keyv under `workspace/channel`. */
export class StoredChannelSettings implements ChannelSettingsStore {
  readonly #keyv: Keyv;
  readonly #known = new Map<string, ChannelSettings>();
  /** The last change under way of each channel. */
  readonly #changing = new Map<string, Promise<void>>();

  constructor(keyv: Keyv) {
    this.#keyv = keyv;
  }

  /** Once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [key, stored] of entriesOf(this.#keyv)) this.#known.set(key, storedSchema.parse(stored));
  }

  async read(workspace: string, channel: string): Promise<ChannelSettings> {
    return this.#known.get(`${workspace}/${channel}`) ?? {};
  }

  async change(workspace: string, channel: string, change: Partial<ChannelSettings>): Promise<void> {
    const key = `${workspace}/${channel}`;
    const before = this.#changing.get(key)?.catch(() => undefined) ?? Promise.resolve();
    const changing = before.then(() => this.#write(key, change));
    this.#changing.set(key, changing);
    await changing.finally(() => {
      if (this.#changing.get(key) === changing) this.#changing.delete(key);
    });
  }

  async #write(key: string, change: Partial<ChannelSettings>): Promise<void> {
    const now = this.#known.get(key) ?? {};
    const next = { ...now, ...change };
    const isSame = next.kernelspec === now.kernelspec && next.dialect === now.dialect;
    if (isSame && next.auto === now.auto) return;
    await this.#keyv.set(key, next);
    this.#known.set(key, next);
  }
}
