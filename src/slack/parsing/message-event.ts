import { z } from 'zod';
import { type PostedFile, readPostedFiles } from './files.ts';
import { type MessageSource, readMessage } from './message-body.ts';
import type { Message } from './typed-text.ts';

/** Subtypes of messages that people write. All others (joins, topics, edits, the bot's own) are not read here. */
const WRITTEN = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);

/** What it posts for people (reminders) may mention the bot; `users.info` does not say that it is a bot. */
const SLACKBOT = 'USLACKBOT';

/** Slack leaves empty fields out, or sends null (`bot_id` of some files). */
const told = <Value>(schema: z.ZodType<Value>) =>
  schema
    .nullish()
    .transform((value) => value ?? undefined)
    .optional();

const messageSchema = z.object({
  subtype: told(z.string()),
  user: z.string(),
  text: told(z.string()),
  blocks: z.unknown().optional(),
  files: told(z.array(z.unknown())),
  attachments: told(z.array(z.unknown())),
  ts: z.string(),
  thread_ts: told(z.string()),
  bot_id: told(z.string()),
  app_id: told(z.string()),
});

const postedSchema = messageSchema.extend({
  type: z.enum(['message', 'app_mention']),
  channel: z.string(),
  channel_type: z.string().optional(),
  edited: told(z.unknown()),
});

/** Messages of incoming webhooks have no user, only a bot. */
const webhookSchema = z.looseObject({ subtype: z.literal('bot_message'), bot_id: z.string() });

const editableSchema = messageSchema.extend({
  edited: z.object({ user: z.string(), ts: z.string() }).optional(),
});

const changedSchema = z.object({
  subtype: z.literal('message_changed'),
  channel: z.string(),
  channel_type: z.string().optional(),
  message: editableSchema,
  previous_message: messageSchema.optional().catch(undefined),
});

const tombstoneSchema = z.object({
  subtype: z.literal('message_changed'),
  channel: z.string(),
  message: z.object({ subtype: z.literal('tombstone'), ts: z.string(), thread_ts: z.string().optional() }),
});

const deletedSchema = z.object({
  subtype: z.literal('message_deleted'),
  channel: z.string(),
  channel_type: z.string().optional(),
  deleted_ts: z.string(),
  previous_message: z.looseObject({ thread_ts: z.string().optional() }).optional().catch(undefined),
});

/** A message that somebody wrote, from a `message` or `app_mention` event. */
export interface PostedMessage {
  channel: string;
  isDirect: boolean;
  isMention: boolean;
  /** The id of a bot (B…) that has no user. */
  user: string;
  /** The ids of a bot; empty for people. */
  botIds: readonly string[];
  /** What its author typed, with the code of what they forwarded, without previews of links. */
  typed: Message;
  files: readonly PostedFile[];
  ts: string;
  /** The thread that it is in; undefined outside threads. */
  thread: string | undefined;
  /** Slack's `edited.ts` if the message was edited. */
  editedTs: string | undefined;
  /** It came late, and its author has pressed Run now. */
  isAskedAnew?: true;
}

/**
 * Undefined for events that are no message of anybody. An edit also comes as an `app_mention` with `edited`, which is
 * ignored: it comes as `message_changed`, too.
 */
export function readPosted(event: unknown, botUserId: string): PostedMessage | undefined {
  const read = postedSchema.safeParse(event).data;
  // Most messages are parsed only once: a schema that refuses takes longer than one that accepts.
  const posted = read === undefined || read.subtype === 'bot_message' ? readWebhook(event) : read;
  if (posted === undefined || !WRITTEN.has(posted.subtype)) return undefined;
  const isMention = posted.type === 'app_mention';
  if (isMention && posted.edited !== undefined) return undefined;
  return { ...toPosted(posted, posted, botUserId), isMention };
}

function readWebhook(event: unknown): z.infer<typeof postedSchema> | undefined {
  const webhook = webhookSchema.safeParse(event).data;
  if (webhook === undefined) return undefined;
  return postedSchema.safeParse({ user: webhook.bot_id, ...webhook, subtype: undefined }).data;
}

/** A message that was read from Slack, after its last edit; undefined if nobody wrote it. */
export function readFetched(message: unknown, channel: string, botUserId: string): PostedMessage | undefined {
  const read = editableSchema.safeParse(message).data;
  if (read === undefined || !WRITTEN.has(read.subtype)) return undefined;
  return { ...toPosted(read, { channel }, botUserId), editedTs: read.edited?.ts };
}

/** A message from the payload of a shortcut: anybody's, a bot's too. */
export type ShownMessage = Pick<PostedMessage, 'typed' | 'files' | 'ts' | 'thread'> & {
  user: string | undefined;
  /** The ids of its files. */
  fileIds: readonly string[];
};

const namedSchema = z.object({ id: z.string() });

export function readShownMessage(message: unknown, botUserId: string): ShownMessage | undefined {
  const read = messageSchema.partial({ user: true }).safeParse(message).data;
  if (read === undefined) return undefined;
  const fileIds = (read.files ?? []).flatMap((file) => namedSchema.safeParse(file).data?.id ?? []);
  return { user: read.user, fileIds, ...toShown(read, botUserId, { withOwn: true }) };
}

/** `withOwn`: attachments that an app wrote itself count, too. */
function toShown(
  message: Omit<z.infer<typeof messageSchema>, 'user'>,
  botUserId: string,
  { withOwn }: { withOwn: boolean },
) {
  const { text, blocks, files = [], attachments = [], ts, thread_ts: threadTs } = message;
  const forwarded = readForwarded(attachments, { withOwn });
  return {
    typed: readMessage({ text, blocks, forwarded: forwarded.messages }, botUserId),
    files: readPostedFiles([...files, ...forwarded.files]),
    ts,
    thread: threadTs === ts ? undefined : threadTs,
  };
}

/** What happened to an earlier message. */
export type MessageChange =
  /** `before`: the message before the edit, if Slack tells; `by`: who edited it. */
  | { kind: 'edited'; message: PostedMessage; before: PostedMessage | undefined; by: string }
  /** A deleted message that has replies leaves a tombstone, and comes as a change. */
  | { kind: 'deleted'; channel: string; ts: string; thread: string; before: PostedMessage | undefined };

/** Whether the bot's own message was changed or deleted; decided before anything is parsed. */
export function isOwnChange(event: unknown, botUserId: string): boolean {
  if (typeof event !== 'object' || event === null) return false;
  const changed = 'message' in event ? event.message : undefined;
  const before = 'previous_message' in event ? event.previous_message : undefined;
  return [changed, before].some(
    (message) =>
      typeof message === 'object' && message !== null && 'user' in message && message.user === botUserId,
  );
}

/** Undefined for other changes: previews of links, language detection, messages that no person wrote. */
export function readChange(event: unknown, botUserId: string): MessageChange | undefined {
  const deleted = deletedSchema.safeParse(event).data;
  if (deleted !== undefined) {
    const { channel, deleted_ts: ts, previous_message: previous } = deleted;
    const known = messageSchema.safeParse(previous).data;
    const before = known === undefined ? undefined : toPosted(known, deleted, botUserId);
    return { kind: 'deleted', channel, ts, thread: previous?.thread_ts ?? ts, before };
  }
  const tombstone = tombstoneSchema.safeParse(event).data;
  if (tombstone !== undefined) {
    const { ts, thread_ts: thread = ts } = tombstone.message;
    return { kind: 'deleted', channel: tombstone.channel, ts, thread, before: undefined };
  }
  const changed = changedSchema.safeParse(event).data;
  if (changed === undefined || !WRITTEN.has(changed.message.subtype)) return undefined;
  const { message, previous_message: previous } = changed;
  if (message.edited === undefined) return undefined;
  const before = previous === undefined ? undefined : toPosted(previous, changed, botUserId);
  const edited = { ...toPosted(message, changed, botUserId), editedTs: message.edited.ts };
  return { kind: 'edited', message: edited, before, by: message.edited.user };
}

function toPosted(
  message: z.infer<typeof messageSchema>,
  { channel, channel_type: channelType }: { channel: string; channel_type?: string | undefined },
  botUserId: string,
): PostedMessage {
  const { user, bot_id: botId, app_id: appId } = message;
  const botIds = [botId, appId, user === SLACKBOT ? user : undefined].filter((id) => id !== undefined);
  const isDirect = channelType === 'im' || channel.startsWith('D');
  const shown = toShown(message, botUserId, { withOwn: false });
  return { channel, isDirect, isMention: false, user, botIds, ...shown, editedTs: undefined };
}

const sharedSchema = z.object({ blocks: z.unknown() });
const attachmentSchema = z.object({
  is_share: z.boolean().optional(),
  is_msg_unfurl: z.boolean().optional(),
  from_url: z.string().optional(),
  original_url: z.string().optional(),
  text: z.string().optional(),
  message_blocks: z.array(z.object({ message: sharedSchema })).optional(),
  files: z.array(z.unknown()).optional(),
});

/**
 * What a message forwards: attachments that Slack marks as shared by the author. The preview of a link has no such mark
 * (`is_msg_unfurl` alone). `withOwn`: also attachments that an app wrote itself, for the shortcut on such a message.
 */
function readForwarded(
  attachments: readonly unknown[],
  { withOwn }: { withOwn: boolean },
): { messages: MessageSource[]; files: unknown[] } {
  const counted = attachments.flatMap((entry) => {
    const read = attachmentSchema.safeParse(entry).data;
    if (read === undefined) return [];
    const isPreview =
      read.is_msg_unfurl === true || read.from_url !== undefined || read.original_url !== undefined;
    return read.is_share === true || (withOwn && !isPreview) ? [read] : [];
  });
  return {
    messages: counted.flatMap(({ text, message_blocks: blocks }): MessageSource[] =>
      blocks === undefined || blocks.length === 0
        ? [{ text }]
        : blocks.map(({ message }) => ({ text, blocks: message.blocks })),
    ),
    files: counted.flatMap(({ files = [] }) => files),
  };
}
