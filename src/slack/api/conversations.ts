import type { WebClient } from '@slack/web-api';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { withTimeout } from '../../waits.ts';
import { askTwice, refusedAs } from './call-error.ts';
import { pagesOf } from './posted.ts';

/** How long facts about a channel are cached: conversations.info is tier 3, 50 calls a minute per workspace. */
const FACTS_MS = 10 * 60_000;
/** How long the channels of a user are cached. */
const MEMBERSHIPS_MS = 10_000;
/** A listener has 2.5 s in total. An answer that comes later is cached for the next request. */
const LOOKUP_MS = 1_500;
/** After a failed look-up, the word of events is used for this long without asking Slack. */
const UNANSWERED_MS = 10_000;

export interface ChannelFacts {
  /** Without `#`; undefined for direct messages. */
  name: string | undefined;
  isPrivate: boolean;
  /** The bot is in it and may post. */
  isPostable: boolean;
  /** People from another organisation can read it (Slack Connect). */
  isShared: boolean;
  /** The other person in a direct message with the bot. */
  partner: string | undefined;
}

/** Bolt's types lack the `user` of a direct message. */
const directSchema = z.object({ is_im: z.literal(true), user: z.string() });

export type Channels = ReturnType<typeof createChannels>;

/** `conversations.info` and `users.conversations`, cached. */
export function createChannels(client: WebClient, log: Log) {
  const cache = new LRUCache<string, ChannelFacts>({
    max: 5_000,
    ttl: FACTS_MS,
    fetchMethod: async (channel) => await askFacts(client, channel),
  });
  const shared = new LRUCache<string, boolean>({ max: 5_000, ttl: FACTS_MS });
  let askAgainAt = 0;
  const memberships = new LRUCache<string, ReadonlySet<string>>({
    max: 200,
    ttl: MEMBERSHIPS_MS,
    fetchMethod: async (user) => await listChannels(client, user),
  });
  const find = async (channel: string, isFresh = false): Promise<ChannelFacts | undefined> => {
    const found = await cache.fetch(channel, { forceRefresh: isFresh });
    // Not cached, because people usually invite the bot next.
    if (found?.isPostable === false) cache.delete(channel);
    return found;
  };
  const inTime = async <Found>(
    asked: Promise<Found>,
    channel: string,
    toError: () => UserError,
  ): Promise<Found> => {
    try {
      return await withTimeout(asked, LOOKUP_MS);
    } catch (error) {
      log.warn({ event: 'channel.unread', err: error, channel }, 'a channel could not be looked up');
      throw toError();
    }
  };
  const isSharedWithOthers = async (channel: string, toError: () => UserError): Promise<boolean> => {
    const told = shared.get(channel);
    if (told === true || (told === false && performance.now() < askAgainAt)) return told;
    try {
      const found = await inTime(find(channel), channel, toError);
      if (found === undefined) throw toError();
      return found.isShared;
    } catch (error) {
      askAgainAt = performance.now() + UNANSWERED_MS;
      if (told === undefined) throw error;
      return told;
    }
  };
  const isMember = async (channel: string, user: string, isFresh = false): Promise<boolean> =>
    channel.startsWith('D')
      ? (await find(channel))?.partner === user
      : (await memberships.fetch(user, { forceRefresh: isFresh }))?.has(channel) === true;

  return {
    /**
     * Throws `UserError('botNotInChannel')` if the bot could not post an answer here, or Slack does not answer in time.
     */
    async mustBePostable(channel: string): Promise<void> {
      const unsaid =
        'Slack did not say whether Sparkthread is in this channel, so nothing ran. Try again in a minute.';
      const found = await inTime(find(channel), channel, () => new UserError('botNotInChannel', unsaid));
      if (found?.isPostable !== true)
        throw new UserError(
          'botNotInChannel',
          channel.startsWith('D')
            ? 'This direct message is none with Sparkthread, so it could not answer here and nothing ran. Write to Sparkthread itself, or in a channel that it is in.'
            : 'Sparkthread is not in this channel, so it could not answer here and nothing ran. Type /invite @sparkthread, then try again.',
        );
    },
    /**
     * Throws `UserError('unknownChannel')` if this person is not in the channel now, or Slack does not say. Only members may
     * use a channel's kernel: Slack's menu also offers public channels that the person is not in, and the person may
     * have been removed while the modal was open.
     */
    async mustHaveMember(channel: string, user: string): Promise<void> {
      const unsaid =
        'Slack did not say whether you are in this channel, so nothing ran. Try again in a minute.';
      const asked = isMember(channel, user, true);
      if (!(await inTime(asked, channel, () => new UserError('unknownChannel', unsaid))))
        throw new UserError(
          'unknownChannel',
          'You are not in this channel, as far as Slack says, so nothing ran. Join it first.',
        );
    },
    /** Records what an event says about its channel. True counts at once; false counts only while look-ups fail. */
    noteShared(channel: string, isShared: boolean | undefined): void {
      if (isShared !== undefined) shared.set(channel, isShared);
    },
    /** Throws `UserError('notAllowed')` if another organisation would read the output, or Slack does not say. */
    async mustBeInternal(channel: string): Promise<void> {
      // The policy checks the one person in a direct message.
      if (channel.startsWith('D')) return;
      const unsaid =
        'Slack did not say whether this channel is shared with another organisation, so nothing ran. Try again in a minute.';
      if (await isSharedWithOthers(channel, () => new UserError('notAllowed', unsaid)))
        throw new UserError(
          'notAllowed',
          'This channel is shared with another organisation, whose people would read the output. Nothing ran; an admin can allow it.',
        );
    },
    /** Undefined for a channel that the bot cannot see. Up to 10 minutes old, unless `isFresh`. */
    find: async (channel: string, options?: { isFresh: boolean }) => await find(channel, options?.isFresh),
    /** Whether this person is in the channel. False on errors. Up to 10 seconds old. */
    isMember: (channel: string, user: string) => isMember(channel, user).catch(() => false),
    /** The same, but rejects if Slack does not answer. */
    isMemberForCertain: (channel: string, user: string) => isMember(channel, user),
    /** Whether this person may see the channel: it is public, or they are in it. False on errors. */
    async isOpenTo(channel: string, user: string): Promise<boolean> {
      try {
        const facts = await find(channel);
        return facts !== undefined && (!facts.isPrivate || (await isMember(channel, user)));
      } catch {
        return false;
      }
    },
  };
}

async function askFacts(client: WebClient, id: string): Promise<ChannelFacts | undefined> {
  try {
    const { channel } = await askTwice(() => client.conversations.info({ channel: id }));
    if (channel === undefined) return undefined;
    const isDirect = channel.is_im === true || channel.is_mpim === true;
    return {
      name: isDirect ? undefined : channel.name,
      isPrivate: isDirect || channel.is_private === true,
      // Slack shows the bot only those direct and group messages that it is in.
      isPostable: channel.is_archived !== true && (channel.is_member === true || isDirect),
      isShared: channel.is_ext_shared === true,
      partner: directSchema.safeParse(channel).data?.user,
    };
  } catch (error) {
    if (['channel_not_found', 'not_in_channel'].includes(refusedAs(error) ?? '')) return undefined;
    throw error;
  }
}

/** The channels of a person that the bot can see. Slack refuses to list more at once (slack.md §2). */
async function listChannels(client: WebClient, user: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const asked = { user, types: 'public_channel,private_channel,mpim', limit: 999 };
  const pages = pagesOf((at) => askTwice(() => client.users.conversations({ ...asked, ...at })));
  for await (const { channels = [] } of pages)
    for (const { id } of channels) if (id !== undefined) ids.add(id);
  return ids;
}
