/** The Events API: tells the app what happens in the workspace. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Deliveries } from './deliveries.ts';
import { presentMessage, type SlackMessage } from './messages.ts';
import type { Channel, ChannelKind, User } from './people.ts';
import type { MentionOrder } from './settings.ts';
import type { World } from './world.ts';

const messageEvents: Readonly<Record<ChannelKind, { subscription: string; channelType: string }>> = {
  public: { subscription: 'message.channels', channelType: 'channel' },
  private: { subscription: 'message.groups', channelType: 'group' },
  im: { subscription: 'message.im', channelType: 'im' },
  mpim: { subscription: 'message.mpim', channelType: 'mpim' },
};

type SlackEvent = Record<string, unknown> & { readonly type: string };

interface EventRules {
  readonly subscriptions: readonly string[];
  readonly mentionOrder: MentionOrder;
}

export class Events {
  readonly #world: World;
  readonly #deliveries: Deliveries;
  readonly #rules: EventRules;
  #mentions = 0;

  constructor(world: World, deliveries: Deliveries, rules: EventRules) {
    this.#world = world;
    this.#deliveries = deliveries;
    this.#rules = rules;
  }

  /** A new message: a `message` event where the app is in the channel, and an `app_mention` beside it in either order. */
  posted(message: SlackMessage): void {
    const channel = this.#world.channel(message.channel);
    const plain = () =>
      this.#toMembers(channel, {
        ...shownIn(channel, presentMessage(this.#world.timeline(channel.id), message)),
        type: 'message',
        event_ts: message.ts,
      });
    this.#besideMention(message, channel, message.ts, plain);
  }

  /** An edit, an unfurl, or the tombstone of a message that had replies. `before` as {@link presentMessage} showed it. */
  changed(message: SlackMessage, before: Record<string, unknown>): void {
    const channel = this.#world.channel(message.channel);
    const ts = this.#world.nextTs();
    const plain = () =>
      this.#toMembers(channel, {
        type: 'message',
        subtype: 'message_changed',
        message: shownIn(channel, presentMessage(this.#world.timeline(channel.id), message)),
        previous_message: shownIn(channel, before),
        hidden: true,
        ts,
        event_ts: ts,
      });
    // An edited mention is sent as another app_mention, with `edited` (inkeep/agents#2284, bolt-js#960).
    const isEdit = message.edited !== undefined && !isDeepStrictEqual(message.edited, before['edited']);
    if (isEdit) this.#besideMention(message, channel, ts, plain);
    else plain();
  }

  deleted(message: SlackMessage, before: Record<string, unknown>): void {
    const ts = this.#world.nextTs();
    this.#toMembers(this.#world.channel(message.channel), {
      type: 'message',
      subtype: 'message_deleted',
      previous_message: before,
      deleted_ts: message.ts,
      hidden: true,
      ts,
      event_ts: ts,
    });
  }

  homeOpened(
    user: User,
    channelId: string,
    tab: 'home' | 'messages',
    view: Record<string, unknown> | undefined,
  ): void {
    const event = {
      type: 'app_home_opened',
      user: user.id,
      channel: channelId,
      tab,
      ...(view === undefined ? {} : { view }),
      event_ts: this.#world.nextTs(),
    };
    this.#emit('app_home_opened', undefined, event);
  }

  channelRenumbered(before: Channel, after: Channel): void {
    const ids = { old_channel_id: before.id, new_channel_id: after.id };
    this.#emit('channel_id_changed', after, {
      type: 'channel_id_changed',
      ...ids,
      event_ts: this.#world.nextTs(),
    });
  }

  /** Any other event, such as `app_uninstalled`, `tokens_revoked` or an unknown one. */
  other(event: SlackEvent): void {
    this.#emit(event.type, undefined, { event_ts: this.#world.nextTs(), ...event });
  }

  /** Sends `plain` and, if the message mentions the bot, the app_mention, in either order. */
  #besideMention(message: SlackMessage, channel: Channel, eventTs: string, plain: () => void): void {
    if (!this.#mentionsBot(message, channel)) {
      plain();
      return;
    }
    const mention = () => this.#emit('app_mention', channel, this.#mentionEvent(message, channel, eventTs));
    this.#mentions += 1;
    const { mentionOrder } = this.#rules;
    const mentionFirst =
      mentionOrder === 'alternate' ? this.#mentions % 2 === 1 : mentionOrder === 'app_mention';
    for (const tell of mentionFirst ? [mention, plain] : [plain, mention]) tell();
  }

  #mentionsBot(message: SlackMessage, channel: Channel): boolean {
    const { bot } = this.#world;
    if (channel.kind === 'im' || message.user === bot.id || !channel.members.has(bot.id)) return false;
    return message.text.includes(`<@${bot.id}>`);
  }

  #mentionEvent(message: SlackMessage, channel: Channel, eventTs: string): SlackEvent {
    const { metadata: _metadata, subtype: _subtype, ...rest } = message;
    return { ...shownIn(channel, structuredClone(rest)), type: 'app_mention', event_ts: eventTs };
  }

  #toMembers(channel: Channel, event: SlackEvent): void {
    if (!channel.members.has(this.#world.bot.id)) return;
    const { subscription, channelType } = messageEvents[channel.kind];
    this.#emit(subscription, channel, { ...event, channel: channel.id, channel_type: channelType });
  }

  #emit(subscription: string, channel: Channel | undefined, event: SlackEvent): void {
    if (!this.#rules.subscriptions.includes(subscription)) return;
    const world = this.#world;
    this.#deliveries.event(event.type, {
      token: 'playground',
      team_id: world.teamId,
      context_team_id: world.teamId,
      context_enterprise_id: null,
      api_app_id: world.appId,
      event,
      type: 'event_callback',
      event_id: world.nextId('Ev'),
      event_time: world.nowS(),
      authorizations: [
        {
          enterprise_id: null,
          team_id: world.teamId,
          user_id: world.bot.id,
          is_bot: true,
          is_enterprise_install: false,
        },
      ],
      is_ext_shared_channel: channel?.shared ?? false,
      event_context: `4-${world.nextId('E')}`,
    });
  }
}

/** In a channel that is shared with another workspace, events have only the ids of files (Slack's file object). */
function shownIn(channel: Channel, message: Record<string, unknown>): Record<string, unknown> {
  const { files } = message;
  if (!channel.shared || !Array.isArray(files)) return message;
  return { ...message, files: files.map(asStub) };
}

const fileSchema = z.object({ id: z.string(), mode: z.string() });

function asStub(file: unknown): object {
  const { id, mode } = fileSchema.parse(file);
  if (mode === 'tombstone') return { id, mode };
  return { id, mode: 'file_access', file_access: 'check_file_info', created: 0, timestamp: 0, user: '' };
}
