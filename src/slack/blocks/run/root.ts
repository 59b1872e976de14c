import type { KnownBlock } from '@slack/types';
import { escapeMrkdwn } from '../mrkdwn.ts';
import { jsonSize, preformatted } from '../rich-text.ts';
import { startOf, truncate } from '../truncate.ts';

/** What of the code is in the root message; the kernel gets all of it. */
const SHOWN_CODE_CHARS = 2_500;

/** "@user ran python2" with the code, shortened until its blocks take at most `room` characters of JSON. */
export function renderRoot(
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
