import { z } from 'zod';

/** Subtypes of messages that people write. Everything else (joins, topics, edits, the bot's own) is not read here. */
const written = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);

const postedSchema = z.object({
  type: z.enum(['message', 'app_mention']),
  subtype: z.string().optional(),
  channel: z.string(),
  channel_type: z.string().optional(),
  user: z.string(),
  text: z.string().optional(),
  blocks: z.unknown(),
  ts: z.string(),
  thread_ts: z.string().optional(),
  bot_id: z.string().optional(),
  app_id: z.string().optional(),
});

/** A message somebody wrote, as the `message` and `app_mention` events carry it. */
export interface PostedMessage {
  channel: string;
  isDirect: boolean;
  isMention: boolean;
  user: string;
  /** Ids a bot is known by; empty for people. */
  botIds: readonly string[];
  text: string;
  blocks: unknown;
  ts: string;
  /** The thread it stands in; undefined at top level. */
  thread: string | undefined;
}

/** Undefined for events that no person wrote, or that lack what a message has. */
export function readPosted(event: unknown): PostedMessage | undefined {
  const read = postedSchema.safeParse(event);
  if (!read.success || !written.has(read.data.subtype)) return undefined;
  const { channel, channel_type: channelType, user, text = '', blocks, ts, thread_ts: threadTs } = read.data;
  return {
    channel,
    isDirect: channelType === 'im' || channel.startsWith('D'),
    isMention: read.data.type === 'app_mention',
    user,
    botIds: [read.data.bot_id, read.data.app_id].filter((id) => id !== undefined),
    text,
    blocks,
    ts,
    thread: threadTs === ts ? undefined : threadTs,
  };
}
