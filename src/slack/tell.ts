import type { WebClient } from '@slack/web-api';
import type { Log } from '../log.ts';

export interface Tell {
  /** Only this person sees it, in the channel (and thread) where they asked; by direct message where that cannot be. */
  person(
    where: { channel: string; thread?: string | undefined; user: string },
    text: string,
    blocks?: object[],
  ): Promise<void>;
  /** Everybody in the channel (or thread) sees it. */
  channel(where: { channel: string; thread?: string | undefined }, text: string): Promise<void>;
}

/** Words beside answers: refusals, answers to commands, what happened to a kernel. `text` is mrkdwn of our own making. */
export function startTell(client: WebClient, log: Log): Tell {
  return {
    async person({ channel, thread, user }, text, blocks) {
      const said = { text, ...(blocks === undefined ? {} : { blocks: blocks as never }) };
      try {
        await client.chat.postEphemeral({
          channel,
          user,
          ...said,
          ...(thread === undefined ? {} : { thread_ts: thread }),
        });
      } catch (error) {
        log.info({ err: error, channel }, 'not told in the channel; told by direct message');
        await client.chat
          .postMessage({ channel: user, ...said })
          .catch((again: unknown) => log.warn({ err: again, user }, 'could not be told'));
      }
    },
    async channel({ channel, thread }, text) {
      const where = { channel, ...(thread === undefined ? {} : { thread_ts: thread }) };
      await client.chat
        .postMessage({ ...where, text, unfurl_links: false, unfurl_media: false })
        .catch((error: unknown) => log.warn({ err: error, channel }, 'the channel could not be told'));
    },
  };
}
