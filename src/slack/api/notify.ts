import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import type { Run } from '../../runs/run.ts';
import type { IdleNotices } from '../../runs/session/kernel/idle-kernel.ts';
import { buttonRow, section } from '../blocks/elements.ts';
import { idleEnd, idleWarning, keepButton, switchNotice } from '../blocks/kernel-blocks.ts';
import { readCallError, refusedAs } from './call-error.ts';
import { inThread, type Place, postOnce, type Said } from './posted.ts';

export type Notify = ReturnType<typeof createNotify>;

/** So often a channel is told what Slack's rates keep from it. */
const NOTICE_TRIES = 5;

interface Where {
  channel: string;
  /** The ts of its first message; '' or undefined outside threads. */
  thread?: string | undefined;
}

/**
 * Words beside answers: refusals, answers to commands, what happened to a kernel. `text` is mrkdwn of our own making. The
 * client rejects a call over Slack's rates at once: it would keep back what is for others.
 */
export function createNotify(client: WebClient, log: Log) {
  /** False where Slack refuses it. What its rates hold back is posted later: nobody waits for that. */
  const post = async (
    place: Place,
    said: Said,
    onRefused: (error: unknown) => void,
    attempt = 1,
  ): Promise<boolean> => {
    try {
      await postOnce(client, place, said);
      return true;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind !== 'rateLimited' || attempt === NOTICE_TRIES) {
        onRefused(error);
        return false;
      }
      const { waitMs } = failure;
      log.info(
        { event: 'channel.delayed', channel: place.channel, waitMs },
        'a notice is posted a little later',
      );
      setTimeout(() => void post(place, said, onRefused, attempt + 1), waitMs).unref();
      return true;
    }
  };
  const whisper = async (where: Where & { user: string }, said: Said): Promise<boolean> => {
    const { channel, user } = where;
    const send = async () =>
      void (await client.chat.postEphemeral({ channel, user, ...inThread(where), ...said }));
    try {
      // Nothing tells whether an ephemeral message was posted: better twice than never.
      await send().catch(async (error: unknown) => {
        if (readCallError(error).kind !== 'unclear') throw error;
        await send();
      });
      return true;
    } catch (error) {
      log.info(
        { event: 'channel.bypassed', err: error, channel },
        'a person could not be told in the channel, and is told by direct message',
      );
      return false;
    }
  };
  return {
    /** Tells one person alone, in the channel (and thread) where they asked; by direct message where that cannot be. */
    async person(
      { channel, thread, user }: { channel?: string | undefined; thread?: string | undefined; user: string },
      text: string,
      blocks?: KnownBlock[],
    ): Promise<void> {
      const said = { text, ...(blocks && { blocks }) };
      if (channel !== undefined && (await whisper({ channel, thread, user }, said))) return;
      await post({ channel: user, thread: '' }, said, (error) =>
        log.warn({ event: 'user.untold', err: error, user }, 'a person could not be told'),
      );
    },
    /** Tells the whole channel (or thread). False where Slack refuses it (archived, closed to the bot) or does not answer. */
    async channel({ channel, thread = '' }: Where, text: string, blocks?: KnownBlock[]): Promise<boolean> {
      return await post({ channel, thread }, { text, ...(blocks && { blocks }) }, (error) =>
        log.warn({ event: 'channel.untold', err: error, channel }, 'a channel could not be told'),
      );
    },
  };
}

/** What a channel hears of its kernel: all of it, because anybody may need the variables. */
export function createKernelNotices(client: WebClient, notify: Notify) {
  /** By kernel: the warning that has a Keep button. One that is not known any more ends with its first press. */
  const warnings = new LRUCache<string, { ts: string; text: string }>({ max: 1_000 });
  const idle: IdleNotices = {
    async warn(record, endsAtMs) {
      const { channel, kernelId, queue, lastRequester } = record;
      const text = idleWarning(record, endsAtMs);
      try {
        const blocks = [section(text), buttonRow(keepButton.render({ kernelId, queue }))];
        const ts = await postOnce(client, { channel, thread: '' }, { text, blocks });
        warnings.set(kernelId, { ts, text });
      } catch (error) {
        // Archived, left, locked: the last requester is warned instead, or the kernel would live for ever.
        if (refusedAs(error) === undefined) throw error;
        await notify.person({ user: lastRequester }, text);
      }
    },
    async ended(record, idleMs) {
      const { channel, kernelId } = record;
      await notify.channel({ channel }, idleEnd(record, idleMs));
      const warned = warnings.get(kernelId);
      warnings.delete(kernelId);
      if (warned === undefined) return;
      // There is nothing to keep any more.
      const { ts, text } = warned;
      await client.chat.update({ channel, ts, text, blocks: [section(text)] }).catch(() => undefined);
    },
  };
  return {
    idle,
    /** `by` agreed to replace the kernel `from` by that of the run. */
    switched({ channel, data }: Run, { from, by }: { from: string; by: string }): void {
      void notify.channel({ channel }, switchNotice(from, data.kernelspec, by));
    },
  };
}
