import type { Keyv } from 'keyv';
import { z } from 'zod';

const seenSchema = z.object({
  workspace: z.string(),
  id: z.string(),
  name: z.string(),
  isPrivate: z.boolean(),
});
export type SeenChannel = z.infer<typeof seenSchema>;

/** The channels in which something was asked of the bot, by their names of then: what `#data` can mean. */
export interface SeenChannels {
  note(channel: SeenChannel): Promise<void>;
  find(workspace: string, id: string): Promise<SeenChannel | undefined>;
  named(workspace: string, name: string): Promise<SeenChannel[]>;
}

/** Kept in Keyv under `workspace/channel`. */
export function seenChannelsIn(keyv: Keyv): SeenChannels {
  const find = async (workspace: string, id: string): Promise<SeenChannel | undefined> =>
    seenSchema.safeParse(await keyv.get(`${workspace}/${id}`)).data;
  return {
    find,
    async note(channel) {
      const known = await find(channel.workspace, channel.id);
      const isNews = known?.name !== channel.name || known.isPrivate !== channel.isPrivate;
      if (isNews) await keyv.set(`${channel.workspace}/${channel.id}`, channel);
    },
    async named(workspace, name) {
      const found: SeenChannel[] = [];
      const entries: AsyncIterable<[string, unknown]> | undefined = keyv.iterator?.(undefined);
      for await (const [, kept] of entries ?? []) {
        const seen = seenSchema.safeParse(kept).data;
        if (seen?.workspace === workspace && seen.name === name) found.push(seen);
      }
      return found;
    },
  };
}
