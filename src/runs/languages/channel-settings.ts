import type { Keyv } from 'keyv';
import { z } from 'zod';

const settingsSchema = z.object({
  /** The kernelspec last chosen here. */
  kernelspec: z.string().optional(),
  /** `/spark auto on|off`; absent: AUTO_RUN decides. */
  auto: z.boolean().optional(),
});
export type ChannelSettings = z.infer<typeof settingsSchema>;
const keptSchema = settingsSchema.catch({});

/** What a channel has chosen, kept in Keyv under `workspace/channel`. */
export interface ChannelSettingsStore {
  read(workspace: string, channel: string): Promise<ChannelSettings>;
  change(workspace: string, channel: string, change: Partial<ChannelSettings>): Promise<void>;
}

export function channelSettingsIn(keyv: Keyv): ChannelSettingsStore {
  const read = async (workspace: string, channel: string): Promise<ChannelSettings> =>
    keptSchema.parse((await keyv.get(`${workspace}/${channel}`)) ?? {});
  return {
    read,
    async change(workspace, channel, change) {
      const now = await read(workspace, channel);
      const next = { ...now, ...change };
      const changed = next.kernelspec !== now.kernelspec || next.auto !== now.auto;
      if (changed) await keyv.set(`${workspace}/${channel}`, next);
    },
  };
}
