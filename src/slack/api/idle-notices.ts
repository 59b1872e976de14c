import type { WebClient } from '@slack/web-api';
import type { IdleNotices } from '../../runs/session/kernel/idle-kernel.ts';
import type { KernelRecord } from '../../runs/session/kernel/kernel-record.ts';
import { renderElapsed } from '../blocks/duration.ts';
import { escapeMrkdwn, slackTime } from '../blocks/mrkdwn.ts';
import type { Tell } from './notify.ts';

export const keepAction = 'kernel:keep';

/** Reads which kernel a Keep button means; undefined when it is none of ours. */
export function readKeep(value: string | undefined): { queue: string; kernelId: string } | undefined {
  const [kernelId, ...queue] = value?.split('|') ?? [];
  return kernelId === undefined || queue.length === 0 ? undefined : { kernelId, queue: queue.join('|') };
}

/** What a channel hears of its idle kernel, in the thread of the last run. */
export function idleNotices(client: WebClient, tell: Tell): IdleNotices {
  return {
    async warn(record, endsAtMs) {
      const text = `Nobody has used the ${escapeMrkdwn(record.kernelspec)} kernel since ${slackTime(record.lastUsedAt)}. It will be shut down ${slackTime(endsAtMs)}, and its variables are lost then.`;
      await client.chat.postMessage({
        ...placeOf(record),
        text,
        blocks: [
          { type: 'section', text: { type: 'mrkdwn', text } },
          {
            type: 'actions',
            elements: [
              {
                type: 'button',
                text: { type: 'plain_text', text: 'Keep' },
                action_id: keepAction,
                value: `${record.kernelId}|${record.queue}`,
              },
            ],
          },
        ],
        unfurl_links: false,
        unfurl_media: false,
      });
    },
    async ended(record, idleMs) {
      const text = `The ${escapeMrkdwn(record.kernelspec)} kernel was shut down after ${renderElapsed(idleMs)} without use; its variables are gone. The next snippet starts a new one.`;
      await tell.channel(
        { channel: record.channel, thread: record.lastThread === '' ? undefined : record.lastThread },
        text,
      );
    },
  };
}

function placeOf(record: KernelRecord): { channel: string; thread_ts?: string } {
  return record.lastThread === ''
    ? { channel: record.channel }
    : { channel: record.channel, thread_ts: record.lastThread };
}
