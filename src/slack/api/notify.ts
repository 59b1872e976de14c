import type { KnownBlock } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import type { Run } from '../../runs/run.ts';
import type { IdleNotices } from '../../runs/session/kernel/idle-kernel.ts';
import { buttonRow, channelName, section } from '../blocks/elements.ts';
import { idleEnd, idleWarning, idleWarningOver, keepButton, switchNotice } from '../blocks/kernel-blocks.ts';
import { readCallError, refusedAs } from './call-error.ts';
import { inThread, type Place, postOnce, type Content } from './posted.ts';

export type Notify = ReturnType<typeof createNotify>;

/** How often a notice is tried while Slack rate-limits it. */
const NOTICE_TRIES = 5;

interface Where {
  channel: string;
  /** The ts of its first message; '' or undefined outside threads. */
  thread?: string | undefined;
}

/**
 * Posts what is not a run message: refusals, answers to commands, news about kernels. `text` is our own mrkdwn.
 * `client` has to reject rate-limited calls at once: if it waited, it would hold back the notices for others.
 */
export function createNotify(client: WebClient, log: Log) {
  /** False if Slack refuses it. What Slack rate-limits is posted later, which the caller does not wait for. */
  const post = async (
    place: Place,
    content: Content,
    onRefused: (error: unknown) => void,
    attempt = 1,
  ): Promise<boolean> => {
    try {
      await postOnce(client, place, content);
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
      setTimeout(() => void post(place, content, onRefused, attempt + 1), waitMs).unref();
      return true;
    }
  };
  const whisper = async (where: Where & { user: string }, content: Content): Promise<boolean> => {
    const { channel, user } = where;
    const send = async () =>
      void (await client.chat.postEphemeral({ channel, user, ...inThread(where), ...content }));
    try {
      // An ephemeral message cannot be looked for: better twice than never.
      await send().catch((error: unknown) => {
        if (readCallError(error).kind !== 'unclear') throw error;
        return send();
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
    /** Tells one person alone: in the channel (and thread) where they asked, or by direct message if that fails. */
    async person(
      { channel, thread, user }: { channel?: string | undefined; thread?: string | undefined; user: string },
      text: string,
      blocks?: KnownBlock[],
    ): Promise<void> {
      const content = { text, ...(blocks && { blocks }) };
      if (channel !== undefined && (await whisper({ channel, thread, user }, content))) return;
      const said = channel === undefined ? content : about(channel, content);
      await post({ channel: user, thread: '' }, said, (error) =>
        log.warn({ event: 'user.untold', err: error, user }, 'a person could not be told'),
      );
    },
    /**
     * Tells the whole channel (or thread). False if Slack refuses it (archived, closed to the bot) or does not answer.
     */
    async channel({ channel, thread = '' }: Where, text: string, blocks?: KnownBlock[]): Promise<boolean> {
      return await post({ channel, thread }, { text, ...(blocks && { blocks }) }, (error) =>
        log.warn({ event: 'channel.untold', err: error, channel }, 'a channel could not be told'),
      );
    },
  };
}

/** Says which channel a direct message is about, because the text may say “this channel”. */
function about(channel: string, content: Content): Content {
  // A direct message has no name.
  if (channel.startsWith('D')) return content;
  const { text, blocks } = content;
  const place = `In ${channelName(channel)}:`;
  return { text: `${place} ${text}`, ...(blocks && { blocks: [section(place), ...blocks] }) };
}

/** News about a kernel, for its whole channel: anybody may need the variables. */
export function createKernelNotices(client: WebClient, notify: Notify) {
  const idle: IdleNotices = {
    async warn(record, endsAtMs) {
      const { channel, kernelId, kernelspec, queue, lastRequester } = record;
      const text = idleWarning(record, endsAtMs);
      try {
        const blocks = [section(text), buttonRow(keepButton.render({ kernelId, queue }))];
        const ts = await postOnce(client, { channel, thread: '' }, { text, blocks });
        return async (isUsed) => {
          const now = isUsed ? idleWarningOver(kernelspec) : text;
          const edit = { channel, ts, text: now, blocks: [section(now)] };
          await client.chat.update(edit).catch(() => undefined);
        };
      } catch (error) {
        // The channel is archived, left or locked. Its last requester is warned instead, or the kernel would never be
        // shut down.
        if (refusedAs(error) === undefined) throw error;
        await notify.person({ user: lastRequester }, about(channel, { text }).text);
        return undefined;
      }
    },
    async ended(record, idleMs) {
      await notify.channel({ channel: record.channel }, idleEnd(record, idleMs));
    },
  };
  return {
    idle,
    /** `by` agreed to replace the kernelspec `from` with that of the run. */
    switched({ channel, data }: Run, { from, by }: { from: string; by: string }): void {
      void notify.channel({ channel }, switchNotice(from, data.kernelspec, by));
    },
  };
}
