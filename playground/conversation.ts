/** Posts, edits and deletes messages. Each changes the world, and tells the app and waiting tests. */
import { randomUUID } from 'node:crypto';
import type { Block } from './blocks-schema.ts';
import type { Changes } from './changes.ts';
import type { Events } from './events.ts';
import {
  presentMessage,
  type Ephemeral,
  type FileTombstone,
  type Metadata,
  type SlackFile,
  type SlackMessage,
} from './messages.ts';
import type { Channel, User } from './people.ts';
import type { World } from './world.ts';

export interface Draft {
  readonly text: string;
  readonly blocks?: Block[] | undefined;
  readonly attachments?: unknown[] | undefined;
  readonly threadTs?: string | undefined;
  readonly broadcast?: boolean | undefined;
  readonly files?: SlackFile[] | undefined;
  readonly metadata?: Metadata | undefined;
  readonly subtype?: string | undefined;
}

export interface Revision {
  readonly text: string;
  readonly blocks?: Block[] | undefined;
  readonly attachments?: unknown[] | undefined;
  readonly metadata?: Metadata | undefined;
  readonly files?: (SlackFile | FileTombstone)[] | undefined;
}

const maxText = 40_000;

export class Conversation {
  readonly #world: World;
  readonly #events: Events;
  readonly #changes: Changes;

  constructor(world: World, events: Events, changes: Changes) {
    this.#world = world;
    this.#events = events;
    this.#changes = changes;
  }

  post(channel: Channel, author: User, draft: Draft): SlackMessage {
    const subtype = draft.broadcast === true ? 'thread_broadcast' : draft.subtype;
    const message: SlackMessage = {
      type: 'message',
      ...(subtype === undefined ? {} : { subtype }),
      channel: channel.id,
      ts: this.#world.nextTs(),
      user: author.id,
      team: author.teamId,
      ...(author.teamId === this.#world.teamId
        ? {}
        : { user_team: author.teamId, source_team: author.teamId }),
      text: draft.text.slice(0, maxText),
      ...(author.botId === undefined
        ? { client_msg_id: randomUUID() }
        : { bot_id: author.botId, ...(author.appId === undefined ? {} : { app_id: author.appId }) }),
      ...(draft.blocks === undefined ? {} : { blocks: draft.blocks }),
      ...(draft.attachments === undefined ? {} : { attachments: draft.attachments }),
      ...(draft.threadTs === undefined ? {} : { thread_ts: draft.threadTs }),
      ...(draft.metadata === undefined ? {} : { metadata: draft.metadata }),
      ...(draft.files === undefined ? {} : { files: draft.files, upload: false }),
    };
    this.#world.timeline(channel.id).add(message);
    for (const file of draft.files ?? []) noteShare(file, channel, message);
    this.#events.posted(message);
    this.#changes.announce();
    return message;
  }

  /** Replaces text and blocks, and sets `edited`. */
  edit(message: SlackMessage, editor: User, revision: Revision): void {
    const before = this.#shown(message);
    message.text = revision.text;
    replace(message, 'blocks', revision.blocks);
    replace(message, 'attachments', revision.attachments);
    if (revision.metadata !== undefined) message.metadata = revision.metadata;
    if (revision.files !== undefined) message.files = revision.files;
    message.edited = { user: editor.id, ts: this.#world.nextTs() };
    this.#events.changed(message, before);
    this.#changes.announce();
  }

  /** A link's preview appears: a message_changed without an edit. */
  unfurl(message: SlackMessage, url: string): void {
    const before = this.#shown(message);
    message.attachments = [
      { id: 1, from_url: url, original_url: url, service_name: 'playground', title: url, fallback: url },
    ];
    this.#events.changed(message, before);
    this.#changes.announce();
  }

  /** Deletes a message. If it has replies, it becomes a tombstone, which is a change. */
  remove(message: SlackMessage): void {
    const timeline = this.#world.timeline(message.channel);
    const before = this.#shown(message);
    if (timeline.repliesTo(message.ts).length === 0) {
      timeline.remove(message.ts);
      this.#events.deleted(message, before);
    } else {
      message.subtype = 'tombstone';
      message.text = 'This message was deleted.';
      message.user = 'USLACKBOT';
      message.hidden = true;
      delete message.blocks;
      delete message.attachments;
      delete message.files;
      delete message.reactions;
      delete message.edited;
      this.#events.changed(message, before);
    }
    this.#changes.announce();
  }

  /** Replaces a deleted file by a tombstone in each message. */
  buryFile(fileId: string): void {
    for (const channel of this.#world.channels.values()) {
      for (const message of this.#world.timeline(channel.id).all) {
        if (message.files?.some((file) => file.id === fileId && file.mode !== 'tombstone') !== true) continue;
        const before = this.#shown(message);
        message.files = message.files.map((file) =>
          file.id === fileId ? { id: fileId, mode: 'tombstone' } : file,
        );
        this.#events.changed(message, before);
      }
    }
    this.#changes.announce();
  }

  /** Shows something to one user only. */
  whisper(ephemeral: Omit<Ephemeral, 'ts'>): Ephemeral {
    const whole = { ...ephemeral, ts: this.#world.nextTs() };
    this.#world.ephemerals.push(whole);
    this.#changes.announce();
    return whole;
  }

  /** Only a response_url can change what one user sees. */
  rewhisper(ephemeral: Ephemeral, text: string, blocks: Block[] | undefined): void {
    ephemeral.text = text;
    if (blocks === undefined) delete ephemeral.blocks;
    else ephemeral.blocks = blocks;
    this.#changes.announce();
  }

  /** False if it was gone already. */
  unwhisper(ephemeral: Ephemeral): boolean {
    const index = this.#world.ephemerals.indexOf(ephemeral);
    if (index < 0) return false;
    this.#world.ephemerals.splice(index, 1);
    this.#changes.announce();
    return true;
  }

  #shown(message: SlackMessage): Record<string, unknown> {
    return presentMessage(this.#world.timeline(message.channel), message);
  }
}

function replace<K extends 'blocks' | 'attachments'>(
  message: SlackMessage,
  key: K,
  value: SlackMessage[K] | undefined,
): void {
  if (value === undefined) delete message[key];
  else message[key] = value;
}

function noteShare(file: SlackFile, channel: Channel, message: SlackMessage): void {
  const share = {
    ts: message.ts,
    ...(message.thread_ts === undefined ? {} : { thread_ts: message.thread_ts }),
    channel_name: channel.name,
    team_id: message.team,
  };
  const list = channel.kind === 'public' ? file.channels : channel.kind === 'im' ? file.ims : file.groups;
  list.push(channel.id);
  const shares = (file.shares ??= {});
  const side = channel.kind === 'public' ? (shares.public ??= {}) : (shares.private ??= {});
  (side[channel.id] ??= []).push(share);
}
