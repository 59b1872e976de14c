import { setTimeout as delay } from 'node:timers/promises';
import type { KnownBlock } from '@slack/types';
import type { RunMessageOptions } from '../../runs/run-view.ts';
import { escapeMrkdwn } from '../blocks/mrkdwn.ts';
import { jsonSize, preformatted } from '../blocks/rich-text.ts';
import { startOf, truncate } from '../blocks/truncate.ts';
import { type Attempt, EditableMessage, type Sending } from './editable-message.ts';

/** What of the code is in the root message; the kernel gets all of it. */
const SHOWN_CODE_CHARS = 2_500;

type Root = Pick<RunMessageOptions, 'runId' | 'requester' | 'channel' | 'createdAt' | 'recovered'> & {
  root: NonNullable<RunMessageOptions['root']>;
};

/**
 * Posts "@user ran python2" with the code, in whose thread the run message goes: once, however long Slack is away. The
 * requester is told when Slack refuses it. Rejects when the signal says that a successor goes on.
 */
export async function postRoot(sending: Sending, root: Root, signal: AbortSignal): Promise<Attempt> {
  const { runId, requester, channel, createdAt, recovered } = root;
  const place = { channel, thread: '' };
  const metadata = { event_type: 'sparkthread_root', event_payload: { run: runId } };
  const message = new EditableMessage(sending, {
    runId,
    place,
    metadata,
    createdAt,
    mayExist: recovered,
    signal,
  });
  const shown = { requester, ...root.root };
  const sent = await message.send(
    (room) => ({ ...renderRoot(shown, room), metadata }),
    async (ms) => await delay(ms, true, { signal }),
  );
  if (sent.kind === 'refused') {
    const told = `Your run in <#${channel}> has no place for its answer: Slack refused the message (${sent.code}).`;
    await sending.client.notifyPrivately(place, requester, told).catch((error: unknown) => {
      sending.log.warn(
        { event: 'requester.untold', run: runId, err: error },
        'the requester could not be told',
      );
    });
  }
  return sent;
}

/** "@user ran python2" with the code, shortened until its blocks take at most `room` characters of JSON. */
function renderRoot(
  root: { requester: string; language: string; blocks: readonly string[] },
  room: number,
): { text: string; blocks: KnownBlock[] } {
  const language = truncate(root.language, 200);
  const text = `<@${root.requester}> ran ${escapeMrkdwn(language)}`;
  for (let chars = SHOWN_CODE_CHARS; ; chars = Math.floor(chars / 2)) {
    const blocks = root.blocks.slice(0, Math.floor(chars / 50));
    const rendered: KnownBlock[] = [
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              { type: 'user', user_id: root.requester },
              { type: 'text', text: ' ran ' },
              { type: 'text', text: language, style: { bold: true } },
            ],
          },
          ...blocks.map((code) => preformatted(shownCode(code, Math.floor(chars / blocks.length)))),
        ],
      },
    ];
    if (jsonSize(rendered) <= room || blocks.length === 0) return { text, blocks: rendered };
  }
}

function shownCode(code: string, room: number): string {
  if (code.length <= room) return code;
  const head = startOf(code, room);
  return `${head}\n… (${code.length - head.length} more characters)`;
}
