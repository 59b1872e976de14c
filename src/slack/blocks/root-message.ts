import type { KnownBlock } from '@slack/types';
import type { RootContent } from '../../runs/run-view.ts';
import { escapeMrkdwn } from './mrkdwn.ts';
import { jsonSize, preformatted } from './rich-text.ts';
import { MESSAGE_ROOM } from './run/run-message.ts';
import { startOf, truncate } from './truncate.ts';

/** What of the code is in the root message; the kernel gets all of it. */
const SHOWN_CODE_CHARS = 2_500;

/** Room for the code again, and for the line with the result. */
export const ROOT_ROOM = MESSAGE_ROOM - 1_000;

/** "@user ran python2" with the code, and how it ended once that is known; shortened until its blocks take at most `room` characters of JSON. */
export function renderRoot(
  root: RootContent & { requester: string; result?: string },
  room: number,
): { text: string; blocks: KnownBlock[] } {
  const language = truncate(root.language, 200);
  const behind = root.saved === undefined ? '' : `, saved as ${root.saved.name}`;
  const text = `<@${root.requester}> ran ${escapeMrkdwn(language)}${behind}`;
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
              ...(behind === '' ? [] : [{ type: 'text' as const, text: behind }]),
            ],
          },
          ...blocks.map((code) => preformatted(shownCode(code, Math.floor(chars / blocks.length)))),
        ],
      },
    ];
    if (jsonSize(rendered) <= room || blocks.length === 0)
      return { text, blocks: root.result === undefined ? rendered : [...rendered, resultBlock(root.result)] };
  }
}

/** Plain text: what the code printed is no markup. */
function resultBlock(result: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'plain_text', text: result.toWellFormed(), emoji: false }] };
}

function shownCode(code: string, room: number): string {
  if (code.length <= room) return code;
  const head = startOf(code, room);
  return `${head}\n… (${code.length - head.length} more characters)`;
}
