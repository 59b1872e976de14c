import type { Keyv } from 'keyv';
import { z } from 'zod';
import { entriesOf } from '../../store/keyv.ts';
import { KeyedMutex } from '../../waits.ts';

const settingsSchema = z.object({
  /** Chosen with `use`. */
  kernelspec: z.string().optional(),
  /** Chosen with `use sql`. Absent: the kernelspec's own language. */
  dialect: z.literal('sql').optional(),
  /** `/spark auto on|off`. Absent: AUTO_RUN decides. */
  auto: z.boolean().optional(),
  /** Later ids that Slack has given the channel, the newest last. Its runs and its kernel keep the first id. */
  laterIds: z.array(z.string()).readonly().optional(),
});
export type ChannelSettings = z.infer<typeof settingsSchema>;
const storedSchema = settingsSchema.catch({});

/** The settings of channels: in memory, and in Keyv under `workspace/channel`. */
export class ChannelSettingsStore {
  readonly #keyv: Keyv;
  readonly #known = new Map<string, ChannelSettings>();
  readonly #mutex = new KeyedMutex();

  constructor(keyv: Keyv) {
    this.#keyv = keyv;
  }

  /** To be called once, when this process becomes the leader. */
  async load(): Promise<void> {
    for await (const [key, stored] of entriesOf(this.#keyv)) this.#known.set(key, storedSchema.parse(stored));
  }

  read(workspace: string, channel: string): ChannelSettings {
    return this.#known.get(`${workspace}/${channel}`) ?? {};
  }

  /** Resolves when the store has the change. */
  async change(workspace: string, channel: string, change: Partial<ChannelSettings>): Promise<void> {
    const key = `${workspace}/${channel}`;
    await this.#mutex.run(key, async () => {
      const now = this.#known.get(key) ?? {};
      const next = { ...now, ...change };
      const isSame = next.kernelspec === now.kernelspec && next.dialect === now.dialect;
      if (isSame && next.auto === now.auto && next.laterIds === now.laterIds) return;
      await this.#keyv.set(key, next);
      this.#known.set(key, next);
    });
  }

  /** The channels of a workspace to which Slack has given other ids. */
  *moved(workspace: string): Iterable<[first: string, later: readonly string[]]> {
    const of = `${workspace}/`;
    for (const [key, { laterIds }] of this.#known)
      if (laterIds !== undefined && key.startsWith(of)) yield [key.slice(of.length), laterIds];
  }

  /** Writes everything again after the store was emptied. */
  async storeAgain(): Promise<void> {
    for (const key of this.#known.keys())
      await this.#mutex.run(key, async () => await this.#keyv.set(key, this.#known.get(key)));
  }
}
