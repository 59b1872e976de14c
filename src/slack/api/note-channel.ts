import type { SeenChannels } from './seen-channels.ts';
import type { Log } from '../../log.ts';
import type { Channels } from './conversations.ts';

/** A channel's name is asked for again after this: `conversations.info` is tier 3, 50 a minute for a whole workspace. */
const NOTED_MS = 60 * 60_000;

export interface ChannelNoterOptions {
  workspace: string;
  channels: Pick<Channels, 'find'>;
  seenChannels: Pick<SeenChannels, 'note'>;
  log: Log;
  now?: () => number;
}

/** Keeps the names of channels in which code is run, so that `restart #data` finds them. Nobody waits for that. */
export function channelNoter(options: ChannelNoterOptions): (channel: string) => void {
  const { workspace, channels, seenChannels, log, now = Date.now } = options;
  const notedAt = new Map<string, number>();

  const note = async (channel: string): Promise<void> => {
    const facts = await channels.find(channel);
    if (facts?.name === undefined) return;
    await seenChannels.note({ workspace, id: channel, name: facts.name, isPrivate: facts.isPrivate });
  };
  return (channel) => {
    const nowMs = now();
    if (nowMs - (notedAt.get(channel) ?? -Infinity) < NOTED_MS) return;
    notedAt.set(channel, nowMs);
    note(channel).catch((error: unknown) => {
      notedAt.delete(channel);
      log.info({ err: error, channel }, 'a channel’s name was not noted');
    });
  };
}
