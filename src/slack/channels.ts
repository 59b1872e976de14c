import type { WebClient } from '@slack/web-api';
import { UserError } from '../errors.ts';

/** A yes is believed for a while; a no is asked again, because the next thing people do is to invite the bot. */
const MEMBER_MS = 10 * 60_000;

export interface Channels {
  /** Throws `UserError('botNotInChannel')` where the bot could not post its answer. Slack's other errors pass. */
  mustBeMember(channel: string): Promise<void>;
}

/** What Slack says of channels, asked where a slash command comes from one: it may come from any. */
export function startChannels(client: WebClient, now: () => number = Date.now): Channels {
  const memberSince = new Map<string, number>();
  return {
    async mustBeMember(channel) {
      const knownAt = memberSince.get(channel);
      if (knownAt !== undefined && now() - knownAt < MEMBER_MS) return;
      const member = await client.conversations.info({ channel }).then(
        ({ channel: found }) =>
          found?.is_archived !== true && (found?.is_member === true || found?.is_im === true),
        (error: unknown) => {
          if (isMissing(error)) return false;
          throw error;
        },
      );
      if (!member)
        throw new UserError(
          'botNotInChannel',
          'Sparkthread is not in this channel, so it could not answer here and nothing ran. Invite it with /invite and try again.',
        );
      memberSince.set(channel, now());
    },
  };
}

function isMissing(error: unknown): boolean {
  const data = error instanceof Error && 'data' in error ? error.data : undefined;
  const code = typeof data === 'object' && data !== null && 'error' in data ? data.error : undefined;
  return code === 'channel_not_found' || code === 'not_in_channel';
}
