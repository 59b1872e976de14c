import { z } from 'zod';

/** Subtypes of messages that people write. Everything else (joins, topics, edits, the bot's own) is not read here. */
const written = new Set([undefined, 'file_share', 'thread_broadcast', 'me_message']);

/** What it posts for people (reminders) may call the bot; `users.info` does not say that it is a bot. */
const slackbot = 'USLACKBOT';

/** Slack leaves out what a message has not, or says null (`bot_id` of some files). */
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
  ts: z.string(),
  thread_ts: told(z.string()),
  bot_id: told(z.string()),
  app_id: told(z.string()),
});

const postedSchema = messageSchema.extend({
  type: z.enum(['message', 'app_mention']),
  channel: z.string(),
  channel_type: z.string().optional(),
});

const editedMentionSchema = z.object({ type: z.literal('app_mention'), edited: z.object({}) });

/** What an incoming webhook posts has no user: its bot wrote it. */
const webhookSchema = z.looseObject({ subtype: z.literal('bot_message'), bot_id: z.string() });

const changedSchema = z.object({
  subtype: z.literal('message_changed'),
  channel: z.string(),
  channel_type: z.string().optional(),
  message: messageSchema.extend({ edited: z.object({ user: z.string(), ts: z.string() }).optional() }),
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

/** A message somebody wrote, as the `message` and `app_mention` events carry it. */
export interface PostedMessage {
  channel: string;
  isDirect: boolean;
  isMention: boolean;
  /** A bot's id (B…) where it has no user. */
  user: string;
  /** Ids a bot is known by; empty for people. */
  botIds: readonly string[];
  text: string;
  blocks: unknown;
  files: readonly PostedFile[];
  ts: string;
  /** The thread it stands in; undefined at top level. */
  thread: string | undefined;
  /** Slack's `edited.ts` where this is a message after an edit. */
  editedTs: string | undefined;
}

/**
 * Undefined for events that nobody wrote, or that lack what a message has. An edit is mentioned to us too, as an
 * `app_mention` with `edited`; it comes as a change beside it, and counts as that.
 */
export function readPosted(event: unknown): PostedMessage | undefined {
  if (editedMentionSchema.safeParse(event).success) return undefined;
  const webhook = webhookSchema.safeParse(event).data;
  const read = postedSchema.safeParse(
    webhook === undefined ? event : { user: webhook.bot_id, ...webhook, subtype: undefined },
  );
  if (!read.success || !written.has(read.data.subtype)) return undefined;
  return toPosted(read.data, read.data, undefined, read.data.type === 'app_mention');
}

/** A message as a shortcut on it carries it; anybody's, a bot's too. */
export type ShownMessage = Pick<PostedMessage, 'text' | 'blocks' | 'files' | 'ts' | 'thread'> & {
  user: string | undefined;
};

export function readShownMessage(message: unknown): ShownMessage | undefined {
  const read = messageSchema.partial({ user: true }).safeParse(message).data;
  if (read === undefined) return undefined;
  const { user, text = '', blocks, files = [], ts, thread_ts: threadTs } = read;
  return {
    user,
    text,
    blocks,
    files: readPostedFiles(files),
    ts,
    thread: threadTs === ts ? undefined : threadTs,
  };
}

/** What happened to a message that was there already. */
export type MessageChange =
  /** `before`: as it was, where Slack says; `by`: who edited it. */
  | { kind: 'edited'; message: PostedMessage; before: PostedMessage | undefined; by: string }
  /** With replies a deleted message leaves a tombstone and comes as a change. */
  | { kind: 'deleted'; channel: string; ts: string; thread: string; before: PostedMessage | undefined };

/** Whether the bot's own message was changed or deleted. Looked at before anything is parsed. */
export function isOwnChange(event: unknown, botUserId: string): boolean {
  if (typeof event !== 'object' || event === null) return false;
  const changed = 'message' in event ? event.message : undefined;
  const before = 'previous_message' in event ? event.previous_message : undefined;
  return [changed, before].some(
    (message) =>
      typeof message === 'object' && message !== null && 'user' in message && message.user === botUserId,
  );
}

/** Undefined for what is neither: previews of links, language detection, changes of what no person wrote. */
export function readChange(event: unknown): MessageChange | undefined {
  const deleted = deletedSchema.safeParse(event).data;
  if (deleted !== undefined) {
    const { channel, deleted_ts: ts, previous_message: previous } = deleted;
    const known = messageSchema.safeParse(previous).data;
    const before = known === undefined ? undefined : toPosted(known, deleted, undefined, false);
    return { kind: 'deleted', channel, ts, thread: previous?.thread_ts ?? ts, before };
  }
  const tombstone = tombstoneSchema.safeParse(event).data;
  if (tombstone !== undefined) {
    const { ts, thread_ts: thread = ts } = tombstone.message;
    return { kind: 'deleted', channel: tombstone.channel, ts, thread, before: undefined };
  }
  const changed = changedSchema.safeParse(event).data;
  if (changed === undefined || !written.has(changed.message.subtype)) return undefined;
  const { message, previous_message: previous } = changed;
  if (message.edited === undefined) return undefined;
  const before = previous === undefined ? undefined : toPosted(previous, changed, undefined, false);
  return {
    kind: 'edited',
    message: toPosted(message, changed, message.edited.ts, false),
    before,
    by: message.edited.user,
  };
}

function toPosted(
  message: z.infer<typeof messageSchema>,
  place: { channel: string; channel_type?: string | undefined },
  editedTs: string | undefined,
  isMention: boolean,
): PostedMessage {
  const { user, text = '', blocks, files = [], ts, thread_ts: threadTs } = message;
  const { channel, channel_type: channelType } = place;
  return {
    channel,
    isDirect: channelType === 'im' || channel.startsWith('D'),
    isMention,
    user,
    botIds: [message.bot_id, message.app_id, user === slackbot ? user : undefined].filter(
      (id) => id !== undefined,
    ),
    text,
    blocks,
    files: readPostedFiles(files),
    ts,
    thread: threadTs === ts ? undefined : threadTs,
    editedTs,
  };
}

/** A file beside a message. Pictures and whatever else cannot be code are none. */
export type PostedFile =
  | CodeFile
  /** Slack Connect: a message holds the file's id alone, `files.info` has the rest (Slack's file object). */
  | { kind: 'stub'; id: string }
  /** Nobody can say any more whether it was code. */
  | { kind: 'gone'; why: string };

export interface CodeFile {
  kind: 'code';
  name: string;
  /** Bytes; undefined where Slack did not say. */
  size: number | undefined;
  /** Undefined where Slack did not say. */
  url: string | undefined;
  /** The language its name or kind says: `python`, `scala`, `r`. */
  syntax: string | undefined;
}

const fileSchema = z.object({
  id: z.string(),
  name: z.string().nullish(),
  mode: z.string().optional(),
  file_access: z.string().optional(),
  filetype: z.string().optional(),
  size: z.number().optional(),
  url_private_download: z.string().optional(),
  url_private: z.string().optional(),
});

export function readPostedFiles(files: readonly unknown[]): PostedFile[] {
  return files.map(readPostedFile).filter((file) => file !== undefined);
}

/** Undefined for what is no code: by the name's end, and for snippets by their kind. */
export function readPostedFile(entry: unknown): PostedFile | undefined {
  const file = fileSchema.safeParse(entry).data;
  if (file === undefined) return undefined;
  const { id, mode, file_access: access } = file;
  if (mode === 'tombstone') return { kind: 'gone', why: 'it was deleted' };
  if (mode === 'hidden_by_limit')
    return { kind: 'gone', why: 'Slack hides it, because the workspace is over its limit' };
  if (access === 'check_file_info' || mode === 'file_access') return { kind: 'stub', id };
  const name = file.name ?? id;
  const ending = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const isCode = mode === 'snippet' || ['py', 'scala', 'r', 'txt'].includes(ending);
  if (!isCode) return undefined;
  const url = file.url_private_download ?? file.url_private;
  return {
    kind: 'code',
    name,
    size: file.size,
    url,
    syntax: syntaxes[ending] ?? syntaxes[file.filetype ?? ''],
  };
}

/** By the end of a file's name, and by the kind that Slack gives a snippet. */
const syntaxes: Readonly<Record<string, string>> = { py: 'python', python: 'python', scala: 'scala', r: 'r' };
