import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { Log } from '../../log.ts';
import type { IdleNotices } from '../../runs/session/kernel/idle-kernel.ts';
import { readCallError, refusedAs } from './call-error.ts';
import { findPosted, inThread } from './posted.ts';
import { buttonRow, createValueButton, escapeMrkdwn, section, slackTime } from '../blocks/elements.ts';
import { renderElapsed } from '../../text.ts';

export type Notify = ReturnType<typeof createNotify>;

/** So often a channel is told what Slack's rates keep from it. */
const NOTICE_TRIES = 5;
/** So often a post is made of which Slack gave no answer, and which is not there. */
const POST_TRIES = 3;
const POST_AGAIN_MS = 200;

/** Posts it once: where Slack's answer is lost it is looked for before it is posted again. Gives its ts. */
async function postOnce(client: WebClient, where: Where, said: Said): Promise<string | undefined> {
  const { channel, thread = '' } = where;
  const place = { channel, thread };
  const metadata = { event_type: 'sparkthread_notice', event_payload: { notice: randomUUID() } };
  const sinceMs = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const posted = { channel, ...inThread(place), ...said, metadata };
      return (await client.chat.postMessage({ ...posted, unfurl_links: false, unfurl_media: false })).ts;
    } catch (error) {
      if (readCallError(error).kind !== 'unclear') throw error;
      await delay(POST_AGAIN_MS * attempt);
      // By a person's id nothing can be looked for: better twice than never.
      const found =
        channel.startsWith('U') || channel.startsWith('W')
          ? undefined
          : await findPosted(client, place, metadata, sinceMs).catch(() => Promise.reject(error));
      if (found !== undefined) return found.ts;
      if (attempt === POST_TRIES) throw error;
    }
  }
}

/**
 * Words beside answers: refusals, answers to commands, what happened to a kernel. `text` is mrkdwn of our own making. The
 * client rejects a call over Slack's rates at once: it would keep back what is for others.
 */
export function createNotify(client: WebClient, log: Log) {
  return {
    /** Only this person sees it, in the channel (and thread) where they asked; by direct message where that cannot be. */
    async person(
      { channel, thread, user }: Pick<Where, 'thread'> & { channel?: string | undefined; user: string },
      text: string,
      blocks?: KnownBlock[],
    ): Promise<void> {
      const said: Said = { text, ...(blocks === undefined ? {} : { blocks }) };
      try {
        if (channel === undefined) return void (await postOnce(client, { channel: user }, said));
        const where = { channel, user, ...(thread === undefined ? {} : { thread_ts: thread }) };
        const whisper = async () => void (await client.chat.postEphemeral({ ...where, ...said }));
        // What only one person sees cannot be looked for: better twice than never.
        await whisper().catch(async (error: unknown) => {
          if (readCallError(error).kind !== 'unclear') throw error;
          await whisper();
        });
      } catch (error) {
        log.info(
          { event: 'channel.bypassed', err: error, channel },
          'not told in the channel; told by direct message',
        );
        await postOnce(client, { channel: user }, said).catch((again: unknown) =>
          log.warn({ event: 'user.untold', err: again, user }, 'could not be told'),
        );
      }
    },
    /** Everybody in the channel (or thread) sees it. False where nobody will: it is archived, closed to the bot, or Slack is away. */
    async channel(where: Where, text: string, blocks?: KnownBlock[]): Promise<boolean> {
      const { channel } = where;
      const said: Said = { text, ...(blocks === undefined ? {} : { blocks }) };
      const send = async (attempt: number): Promise<boolean> => {
        try {
          await postOnce(client, where, said);
          return true;
        } catch (error) {
          const failure = readCallError(error);
          if (failure.kind !== 'rateLimited' || attempt === NOTICE_TRIES) {
            log.warn({ event: 'channel.untold', err: error, channel }, 'the channel could not be told');
            return false;
          }
          const { waitMs } = failure;
          log.info({ event: 'channel.delayed', channel, waitMs }, 'the channel is told a little later');
          // Whoever asked need not wait for it.
          setTimeout(() => void send(attempt + 1), waitMs).unref();
          return true;
        }
      };
      return await send(1);
    },
  };
}

interface Where {
  channel: string;
  thread?: string | undefined;
}

interface Said {
  text: string;
  blocks?: KnownBlock[];
}

export const keepButton = createValueButton(
  'kernel:keep',
  'Keep',
  z.object({ kernelId: z.string(), queue: z.string() }),
);

/** What a channel hears of its idle kernel: all of it, because anybody may need the variables. */
export function createIdleNotices(client: WebClient, notify: Notify): IdleNotices {
  /** By kernel: the warning that has a Keep button. One that is not known any more ends with its first press. */
  const warnings = new LRUCache<string, { ts: string; text: string }>({ max: 1_000 });
  return {
    async warn(record, endsAtMs) {
      const text = `Nobody has used the ${escapeMrkdwn(record.kernelspec)} kernel since ${slackTime(record.lastUsedAt)}. It will be shut down ${slackTime(endsAtMs)}, and its variables are lost then.`;
      const { kernelId, queue } = record;
      try {
        const blocks = [section(text), buttonRow(keepButton.render({ kernelId, queue }))];
        const ts = await postOnce(client, { channel: record.channel }, { text, blocks });
        if (ts !== undefined) warnings.set(kernelId, { ts, text });
      } catch (error) {
        // Archived, left, locked: the last requester is warned instead, or the kernel would live for ever.
        if (refusedAs(error) === undefined) throw error;
        await notify.person({ user: record.lastRequester }, text);
      }
    },
    async ended(record, idleMs) {
      const text = `The ${escapeMrkdwn(record.kernelspec)} kernel was shut down after ${renderElapsed(idleMs)} without use; its variables are gone. The next snippet starts a new one.`;
      await notify.channel({ channel: record.channel }, text);
      const warned = warnings.get(record.kernelId);
      warnings.delete(record.kernelId);
      // There is nothing to keep any more.
      if (warned !== undefined)
        await client.chat
          .update({
            channel: record.channel,
            ts: warned.ts,
            text: warned.text,
            blocks: [section(warned.text)],
          })
          .catch(() => undefined);
    },
  };
}
