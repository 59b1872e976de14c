import type { WebClient } from '@slack/web-api';
import { WebAPIPlatformError } from '@slack/web-api';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { inTime } from './with-timeout.ts';

/** A yes is believed for a while; a no is asked again, because the next thing people do is to invite the bot. */
const MEMBER_MS = 10 * 60_000;
/** Who is in which channel, for what is shown of it. */
const MEMBERSHIPS_MS = 10_000;

export interface ChannelFacts {
  id: string;
  /** Without `#`; undefined for direct messages. */
  name: string | undefined;
  isPrivate: boolean;
  /** Of a direct message with the bot: the person. */
  partner: string | undefined;
}

export interface Channels {
  /** Throws `UserError('botNotInChannel')` where the bot could not post its answer, or Slack does not say so in time. */
  mustBeMember(channel: string): Promise<void>;
  /** Undefined for a channel that the bot cannot see. */
  find(channel: string): Promise<ChannelFacts | undefined>;
  /** Whether this person may know of it: it is public, or they are in it. Never rejects: in doubt not. */
  isOpenTo(channel: string, user: string): Promise<boolean>;
  /** Whether this person is in it. Never rejects: in doubt not. */
  isMember(channel: string, user: string): Promise<boolean>;
}

/** Bolt's types do not know the `user` of a direct message. */
const directSchema = z.object({ is_im: z.literal(true), user: z.string() });

/** What Slack says of channels: `conversations.info`, `users.conversations`. */
export function startChannels(client: WebClient, log: Log, now: () => number = Date.now): Channels {
  const memberSince = new Map<string, number>();
  const memberships = new Map<string, { channels: Promise<ReadonlySet<string>>; atMs: number }>();
  /** Whose direct messages: that never changes, and a home tab asks for all of them. */
  const partners = new Map<string, string>();

  const ask = async (channel: string) => {
    try {
      return (await client.conversations.info({ channel })).channel;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const isPostable = async (channel: string): Promise<boolean> => {
    const found = await ask(channel);
    if (found === undefined || found.is_archived === true) return false;
    // Of direct messages, group ones too, Slack tells only those that the bot is in.
    if (found.is_member !== true && found.is_im !== true && found.is_mpim !== true) return false;
    memberSince.set(channel, now());
    return true;
  };
  const find = async (channel: string): Promise<ChannelFacts | undefined> => {
    const found = await ask(channel);
    if (found === undefined) return undefined;
    const isDirect = found.is_im === true || found.is_mpim === true;
    return {
      id: channel,
      name: isDirect ? undefined : found.name,
      isPrivate: isDirect || found.is_private === true,
      partner: directSchema.safeParse(found).data?.user,
    };
  };
  const channelsOf = (user: string): Promise<ReadonlySet<string>> => {
    const known = memberships.get(user);
    if (known !== undefined && now() - known.atMs < MEMBERSHIPS_MS) return known.channels;
    const channels = listChannels(client, user);
    memberships.set(user, { channels, atMs: now() });
    channels.catch(() => memberships.delete(user));
    return channels;
  };
  const isMember = async (channel: string, user: string): Promise<boolean> => {
    if (!channel.startsWith('D')) return (await channelsOf(user)).has(channel);
    const partner = partners.get(channel) ?? (await find(channel))?.partner;
    if (partner !== undefined) partners.set(channel, partner);
    return partner === user;
  };

  return {
    async mustBeMember(channel) {
      const knownAt = memberSince.get(channel);
      if (knownAt !== undefined && now() - knownAt < MEMBER_MS) return;
      const isIn = await inTime(isPostable(channel)).catch((error: unknown) => {
        log.warn({ err: error, channel }, 'a channel could not be looked up');
        throw new UserError(
          'botNotInChannel',
          'Slack did not say whether Sparkthread is in this channel, so nothing ran. Try again in a minute.',
        );
      });
      if (!isIn)
        throw new UserError(
          'botNotInChannel',
          'Sparkthread is not in this channel, so it could not answer here and nothing ran. Invite it with /invite and try again.',
        );
    },
    find,
    isMember: (channel, user) => isMember(channel, user).catch(() => false),
    async isOpenTo(channel, user) {
      try {
        const facts = await find(channel);
        return facts !== undefined && (!facts.isPrivate || (await isMember(channel, user)));
      } catch {
        return false;
      }
    },
  };
}

/** The channels a person is in, as far as the bot sees them. */
async function listChannels(client: WebClient, user: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let cursor = '';
  do {
    const page = await client.users.conversations({
      user,
      types: 'public_channel,private_channel,mpim',
      limit: 1000,
      ...(cursor === '' ? {} : { cursor }),
    });
    for (const { id } of page.channels ?? []) if (id !== undefined) ids.add(id);
    cursor = page.response_metadata?.next_cursor ?? '';
  } while (cursor !== '');
  return ids;
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof WebAPIPlatformError && ['channel_not_found', 'not_in_channel'].includes(error.data.error)
  );
}
