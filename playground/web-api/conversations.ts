/** conversations.*, users.*, usergroups.*, reactions.*: reading the workspace. */
import { presentMessage, type SlackMessage } from '../messages.ts';
import { presentChannel, presentUser, type Channel, type ChannelKind } from '../people.ts';
import type { Service } from '../service.ts';
import {
  count,
  flag,
  joinedChannel,
  method,
  paged,
  Refusal,
  text,
  visibleChannel,
  type Methods,
} from './method.ts';

const readScopes: Readonly<Record<ChannelKind, string>> = {
  public: 'channels:read',
  private: 'groups:read',
  im: 'im:read',
  mpim: 'mpim:read',
};
const historyScopes: Readonly<Record<ChannelKind, string>> = {
  public: 'channels:history',
  private: 'groups:history',
  im: 'im:history',
  mpim: 'mpim:history',
};
const typesOfKinds: Readonly<Record<ChannelKind, string>> = {
  public: 'public_channel',
  private: 'private_channel',
  im: 'im',
  mpim: 'mpim',
};

const kinds = ['public', 'private', 'im', 'mpim'] as const;
const anyRead = Object.values(readScopes);
const anyHistory = Object.values(historyScopes);
/** docs: apis/web-api/pagination. */
const maxPage = 999;
const pages = { cursor: text.optional(), limit: count.min(1).max(maxPage).optional() };
const range = {
  latest: text.optional(),
  oldest: text.optional(),
  inclusive: flag.optional(),
  include_all_metadata: flag.optional(),
};

export const conversationMethods: Methods = {
  'conversations.info': method({
    scopes: anyRead,
    args: { channel: text, include_num_members: flag.optional(), include_locale: flag.optional() },
    run(service, args) {
      const channel = visibleChannel(service, args.channel);
      needScope(service, readScopes[channel.kind]);
      const plain = presentChannel(channel, service.world.bot.id, service.world.teamId);
      return {
        channel: args.include_num_members === true ? { ...plain, num_members: channel.members.size } : plain,
      };
    },
  }),

  'conversations.list': method({
    scopes: anyRead,
    args: { types: text.optional(), exclude_archived: flag.optional(), team_id: text.optional(), ...pages },
    run: (service, args) =>
      channelPage(service, args, (channel) => channel.kind === 'public' || isMember(service, channel)),
  }),

  'users.conversations': method({
    scopes: anyRead,
    args: {
      user: text.optional(),
      types: text.optional(),
      exclude_archived: flag.optional(),
      team_id: text.optional(),
      ...pages,
    },
    run(service, args) {
      const userId = args.user ?? service.world.bot.id;
      // For another user, only channels that the bot can see, too.
      return channelPage(
        service,
        args,
        (channel) => channel.members.has(userId) && (channel.kind === 'public' || isMember(service, channel)),
      );
    },
  }),

  'conversations.members': method({
    scopes: anyRead,
    args: { channel: text, ...pages },
    run(service, args) {
      const channel = visibleChannel(service, args.channel);
      needScope(service, readScopes[channel.kind]);
      const { page, next } = paged([...channel.members], args.limit ?? 100, args.cursor);
      return { members: page, response_metadata: { next_cursor: next } };
    },
  }),

  'conversations.replies': method({
    scopes: anyHistory,
    args: { channel: text, ts: text, ...range, ...pages },
    run(service, args) {
      const channel = joinedChannel(service, args.channel);
      needScope(service, historyScopes[channel.kind]);
      const timeline = service.world.timeline(channel.id);
      const parent = timeline.find(args.ts);
      if (parent === undefined) throw new Refusal('thread_not_found');
      const replies = within(timeline.repliesTo(args.ts), args);
      const { page, next } = paged(replies, Math.max(1, (args.limit ?? maxPage) - 1), args.cursor);
      return {
        // Each page begins with the parent.
        messages: [parent, ...page].map((message) => shown(service, message, args.include_all_metadata)),
        has_more: next !== '',
        response_metadata: { next_cursor: next },
      };
    },
  }),

  'conversations.history': method({
    scopes: anyHistory,
    args: { channel: text, ...range, ...pages },
    run(service, args) {
      const channel = joinedChannel(service, args.channel);
      needScope(service, historyScopes[channel.kind]);
      const messages = within(service.world.timeline(channel.id).topLevel(), args).toReversed();
      const { page, next } = paged(messages, args.limit ?? 100, args.cursor);
      return {
        messages: page.map((message) => shown(service, message, args.include_all_metadata)),
        has_more: next !== '',
        pin_count: 0,
        response_metadata: { next_cursor: next },
      };
    },
  }),

  'conversations.open': method({
    scopes: ['im:write', 'mpim:write'],
    takesJson: true,
    args: {
      users: text.optional(),
      channel: text.optional(),
      return_im: flag.optional(),
      prevent_creation: flag.optional(),
    },
    run(service, args) {
      const { world } = service;
      if (args.channel !== undefined) return { channel: { id: visibleChannel(service, args.channel).id } };
      const users = (args.users ?? '')
        .split(',')
        .map((id) => id.trim())
        .filter((id) => id !== '');
      if (users.length === 0) throw new Refusal('users_list_not_supplied');
      for (const id of users) if (!world.users.has(id)) throw new Refusal('user_not_found');
      const [only] = users;
      if (users.length > 1 || only === undefined) {
        const name = `mpdm-${users.join('--')}`;
        const members = [...users, world.bot.id];
        return {
          channel: { id: (world.findChannel(name) ?? world.addChannel(name, { kind: 'mpim', members })).id },
        };
      }
      const channel = world.direct(world.bot.id, only);
      return {
        channel:
          args.return_im === true ? presentChannel(channel, world.bot.id, world.teamId) : { id: channel.id },
      };
    },
  }),

  'conversations.join': method({
    scopes: ['channels:join'],
    takesJson: true,
    args: { channel: text },
    run(service, args) {
      const channel = visibleChannel(service, args.channel);
      if (channel.kind !== 'public') throw new Refusal('method_not_supported_for_channel_type');
      if (channel.archived) throw new Refusal('is_archived');
      channel.members.add(service.world.bot.id);
      service.changes.announce();
      return { channel: presentChannel(channel, service.world.bot.id, service.world.teamId) };
    },
  }),

  'users.info': method({
    scopes: ['users:read'],
    args: { user: text, include_locale: flag.optional() },
    run(service, args) {
      const user = service.world.users.get(args.user);
      if (user === undefined) throw new Refusal('user_not_found');
      return { user: presentUser(user, service.world.teamId) };
    },
  }),

  'users.list': method({
    scopes: ['users:read'],
    args: { include_locale: flag.optional(), team_id: text.optional(), ...pages },
    run(service, args) {
      const { page, next } = paged([...service.world.users.values()], args.limit ?? maxPage, args.cursor);
      return {
        members: page.map((user) => presentUser(user, service.world.teamId)),
        cache_ts: service.world.nowS(),
        response_metadata: { next_cursor: next },
      };
    },
  }),

  'usergroups.list': method({
    scopes: ['usergroups:read'],
    args: {
      include_count: flag.optional(),
      include_disabled: flag.optional(),
      include_users: flag.optional(),
      team_id: text.optional(),
    },
    run: (service, args) => ({
      usergroups: [...service.world.groups.values()].map((group) => ({
        id: group.id,
        team_id: service.world.teamId,
        is_usergroup: true,
        name: group.handle,
        handle: group.handle,
        ...(args.include_users === true ? { users: [...group.members] } : {}),
      })),
    }),
  }),

  'usergroups.users.list': method({
    scopes: ['usergroups:read'],
    args: { usergroup: text, include_disabled: flag.optional(), team_id: text.optional() },
    run(service, args) {
      const group = service.world.groups.get(args.usergroup);
      if (group === undefined) throw new Refusal('no_such_subteam');
      return { users: [...group.members] };
    },
  }),

  'reactions.add': method({
    scopes: ['reactions:write'],
    takesJson: true,
    args: { channel: text, timestamp: text, name: text },
    run(service, args) {
      const { message, name, botId } = reacted(service, args);
      const reaction = message.reactions?.find((candidate) => candidate.name === name);
      if (reaction?.users.includes(botId) === true) throw new Refusal('already_reacted');
      if (reaction === undefined) (message.reactions ??= []).push({ name, users: [botId], count: 1 });
      else {
        reaction.users.push(botId);
        reaction.count += 1;
      }
      service.changes.announce();
      return {};
    },
  }),

  'reactions.remove': method({
    scopes: ['reactions:write'],
    takesJson: true,
    args: { channel: text, timestamp: text, name: text },
    run(service, args) {
      const { message, name, botId } = reacted(service, args);
      const reaction = message.reactions?.find((candidate) => candidate.name === name);
      if (reaction?.users.includes(botId) !== true) throw new Refusal('no_reaction');
      reaction.users = reaction.users.filter((user) => user !== botId);
      reaction.count -= 1;
      message.reactions = (message.reactions ?? []).filter((candidate) => candidate.count > 0);
      service.changes.announce();
      return {};
    },
  }),
};

function needScope(service: Service, scope: string): void {
  if (service.settings.scopes.includes(scope)) return;
  throw new Refusal('missing_scope', { needed: scope, provided: service.settings.scopes.join(',') });
}

function isMember(service: Service, channel: Channel): boolean {
  return channel.members.has(service.world.bot.id);
}

function channelPage(
  service: Service,
  args: {
    types?: string | undefined;
    exclude_archived?: boolean | undefined;
    limit?: number | undefined;
    cursor?: string | undefined;
  },
  isListed: (channel: Channel) => boolean,
): Record<string, unknown> {
  const types = (args.types ?? 'public_channel').split(',').map((type) => type.trim());
  if (types.some((type) => !Object.values(typesOfKinds).includes(type))) throw new Refusal('invalid_types');
  for (const kind of kinds) if (types.includes(typesOfKinds[kind])) needScope(service, readScopes[kind]);
  const channels = [...service.world.channels.values()].filter(
    (channel) =>
      types.includes(typesOfKinds[channel.kind]) &&
      isListed(channel) &&
      !(args.exclude_archived === true && channel.archived),
  );
  const { page, next } = paged(channels, args.limit ?? 100, args.cursor);
  return {
    channels: page.map((channel) => presentChannel(channel, service.world.bot.id, service.world.teamId)),
    response_metadata: { next_cursor: next },
  };
}

function within(
  messages: readonly SlackMessage[],
  args: { latest?: string | undefined; oldest?: string | undefined; inclusive?: boolean | undefined },
): SlackMessage[] {
  return messages.filter(({ ts }) => {
    if (args.inclusive === true && (ts === args.latest || ts === args.oldest)) return true;
    return Number(ts) < Number(args.latest ?? Infinity) && Number(ts) > Number(args.oldest ?? 0);
  });
}

function shown(
  service: Service,
  message: SlackMessage,
  withMetadata: boolean | undefined,
): Record<string, unknown> {
  const plain = presentMessage(service.world.timeline(message.channel), message);
  return withMetadata === true && message.metadata !== undefined
    ? { ...plain, metadata: message.metadata }
    : plain;
}

function reacted(service: Service, args: { channel: string; timestamp: string; name: string }) {
  const channel = joinedChannel(service, args.channel);
  if (channel.archived) throw new Refusal('is_archived');
  const message = service.world.timeline(channel.id).find(args.timestamp);
  if (message === undefined || message.subtype === 'tombstone') throw new Refusal('message_not_found');
  if (!/^[a-z0-9_+'-]+(::skin-tone-[2-6])?$/.test(args.name)) throw new Refusal('invalid_name');
  return { message, name: args.name, botId: service.world.bot.id };
}
