import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';

export interface Tell {
  /** Only this person sees it, in the channel (and thread) where they asked; by direct message where that cannot be. */
  person(
    where: { channel?: string | undefined; thread?: string | undefined; user: string },
    text: string,
    blocks?: KnownBlock[],
  ): Promise<void>;
  /** Everybody in the channel (or thread) sees it. */
  channel(
    where: { channel: string; thread?: string | undefined },
    text: string,
    blocks?: KnownBlock[],
  ): Promise<void>;
}

/** Words beside answers: refusals, answers to commands, what happened to a kernel. `text` is mrkdwn of our own making. */
export function startTell(client: WebClient, log: Log): Tell {
  const post = async (channel: string, said: Said, thread?: string): Promise<void> => {
    const where = { channel, ...(thread === undefined ? {} : { thread_ts: thread }) };
    await client.chat.postMessage({ ...where, ...said, unfurl_links: false, unfurl_media: false });
  };
  return {
    async person({ channel, thread, user }, text, blocks) {
      const said: Said = { text, ...(blocks === undefined ? {} : { blocks }) };
      try {
        if (channel === undefined) return await post(user, said);
        const where = { channel, user, ...(thread === undefined ? {} : { thread_ts: thread }) };
        await client.chat.postEphemeral({ ...where, ...said });
      } catch (error) {
        log.info({ err: error, channel }, 'not told in the channel; told by direct message');
        await post(user, said).catch((again: unknown) => log.warn({ err: again, user }, 'could not be told'));
      }
    },
    async channel({ channel, thread }, text, blocks) {
      await post(channel, { text, ...(blocks === undefined ? {} : { blocks }) }, thread).catch(
        (error: unknown) => log.warn({ err: error, channel }, 'the channel could not be told'),
      );
    },
  };
}

interface Said {
  text: string;
  blocks?: KnownBlock[];
}
