/** Messages and files in Slack's form, and the messages of a channel. */
import type { Block } from './blocks-schema.ts';

export interface SlackFile {
  readonly id: string;
  readonly created: number;
  readonly name: string;
  title: string;
  readonly mimetype: string;
  readonly filetype: string;
  readonly pretty_type: string;
  readonly user: string;
  readonly user_team: string;
  readonly mode: 'hosted' | 'snippet';
  readonly editable: boolean;
  readonly size: number;
  readonly url_private: string;
  readonly url_private_download: string;
  readonly permalink: string;
  readonly is_external: false;
  readonly is_public: boolean;
  /** Of snippets: the first lines. */
  readonly preview?: string;
  readonly alt_txt?: string;
  channels: string[];
  groups: string[];
  ims: string[];
  shares?: { public?: Record<string, FileShare[]>; private?: Record<string, FileShare[]> };
}

interface FileShare {
  readonly ts: string;
  readonly thread_ts?: string;
  readonly channel_name: string;
  readonly team_id: string;
}

/** What a message has in place of a deleted file. */
export interface FileTombstone {
  readonly id: string;
  readonly mode: 'tombstone';
}

export interface Metadata {
  readonly event_type: string;
  readonly event_payload: Record<string, unknown>;
}

export interface SlackMessage {
  readonly type: 'message';
  subtype?: string;
  /** Its channel; Slack's histories leave this out. */
  channel: string;
  readonly ts: string;
  user: string;
  readonly team: string;
  /** Of people from other workspaces. */
  readonly user_team?: string;
  readonly source_team?: string;
  text: string;
  blocks?: Block[];
  attachments?: unknown[];
  readonly bot_id?: string;
  readonly app_id?: string;
  readonly client_msg_id?: string;
  /** Only on replies: the parent's ts. */
  readonly thread_ts?: string;
  edited?: { readonly user: string; readonly ts: string };
  files?: (SlackFile | FileTombstone)[];
  reactions?: { readonly name: string; users: string[]; count: number }[];
  metadata?: Metadata;
  hidden?: boolean;
  readonly upload?: boolean;
}

/** A message that only one user sees. It is not in the channel's history. */
export interface Ephemeral {
  readonly user: string;
  readonly channel: string;
  readonly ts: string;
  readonly thread_ts?: string;
  /** Of the app that sent it; absent if Slack did. */
  readonly bot_id?: string;
  text: string;
  blocks?: Block[];
}

/** The messages of one channel in order of ts. */
export class Timeline {
  readonly #messages: SlackMessage[] = [];

  get all(): readonly SlackMessage[] {
    return this.#messages;
  }

  add(message: SlackMessage): void {
    this.#messages.push(message);
  }

  find(ts: string): SlackMessage | undefined {
    return this.#messages.find((message) => message.ts === ts);
  }

  remove(ts: string): void {
    const index = this.#messages.findIndex((message) => message.ts === ts);
    if (index >= 0) this.#messages.splice(index, 1);
  }

  repliesTo(ts: string): SlackMessage[] {
    return this.#messages.filter((message) => message.thread_ts === ts && message.ts !== ts);
  }

  topLevel(): SlackMessage[] {
    return this.#messages.filter(
      (message) => message.thread_ts === undefined || message.subtype === 'thread_broadcast',
    );
  }
}

/** The message as in histories and events: parents with the count of replies, replies with the author of the parent. */
export function presentMessage(timeline: Timeline, message: SlackMessage): Record<string, unknown> {
  const { channel: _channel, metadata: _metadata, ...shown } = message;
  if (message.thread_ts !== undefined) {
    return { ...structuredClone(shown), parent_user_id: timeline.find(message.thread_ts)?.user };
  }
  const replies = timeline.repliesTo(message.ts);
  if (replies.length === 0) return structuredClone(shown);
  return {
    ...structuredClone(shown),
    thread_ts: message.ts,
    reply_count: replies.length,
    reply_users: [...new Set(replies.map((reply) => reply.user))],
    reply_users_count: new Set(replies.map((reply) => reply.user)).size,
    latest_reply: replies.at(-1)?.ts,
    is_locked: false,
    subscribed: false,
  };
}
