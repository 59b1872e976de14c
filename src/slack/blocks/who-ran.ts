import type { KnownBlock } from '@slack/types';
import type { RootContent } from '../../runs/run-view.ts';
import { escapeMrkdwn } from './elements.ts';
import { colouredAs, jsonSize, MESSAGE_ROOM, preformatted } from './rich-text.ts';
import { shortenCode, truncate } from './truncate.ts';
import { joinWords } from './words.ts';

/** What of the code is in the root message; all of it is attached. */
const SHOWN_CODE_CHARS = 2_500;

/** What of the code is in the message's words: an edit may have 4,000 bytes of them. */
const TEXT_CODE_CHARS = 300;

/** Room for the code again, and for the line with the result. */
export const ROOT_ROOM = MESSAGE_ROOM - 1_000;

/** "@user ran python2" with the code, and how it ended once that is known; shortened until its blocks take at most `room` characters of JSON. */
export function renderRoot(
  root: RootContent & { requester: string; result?: string },
  room: number,
): { text: string; blocks: KnownBlock[] } {
  const language = truncate(root.language, 200);
  const head = headOf(root, language);
  // Read by screen readers and notifications, which do not see the blocks.
  const said = truncate(root.blocks.join('\n\n').toWellFormed(), TEXT_CODE_CHARS);
  const words = [said, root.result?.toWellFormed() ?? ''].map(escapeMrkdwn);
  const text = joinWords('\n', [head.map(textOf).join(''), ...words]);
  for (let chars = SHOWN_CODE_CHARS; ; chars = Math.floor(chars / 2)) {
    const blocks = root.blocks.slice(0, Math.floor(chars / 50));
    const rendered: KnownBlock[] = [
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_section',
            elements: head,
          },
          ...blocks.map((code) =>
            preformatted(shortenCode(code, Math.floor(chars / blocks.length)), colouredAs(root.syntax)),
          ),
        ],
      },
    ];
    if (jsonSize(rendered) <= room || blocks.length === 0)
      return { text, blocks: root.result === undefined ? rendered : [...rendered, resultBlock(root.result)] };
  }
}

type HeadElement = { type: 'user'; user_id: string } | { type: 'text'; text: string; style?: { bold: true } };

/** `@ana ran python2`, `@ana ran python2, saved as report`, `python2, saved as report, scheduled by @ana, weekdays 8:00`. */
function headOf({ requester, saved }: RootContent & { requester: string }, language: string): HeadElement[] {
  const named = { type: 'text', text: language, style: { bold: true } } as const;
  const who = { type: 'user', user_id: requester } as const;
  if (saved === undefined) return [who, { type: 'text', text: ' ran ' }, named];
  const as = `, saved as ${saved.name}`;
  if (saved.schedule === undefined)
    return [who, { type: 'text', text: ' ran ' }, named, { type: 'text', text: as }];
  return [
    named,
    { type: 'text', text: `${as}, scheduled by ` },
    who,
    { type: 'text', text: `, ${saved.schedule.words}` },
  ];
}

function textOf(element: HeadElement): string {
  return element.type === 'user' ? `<@${element.user_id}>` : escapeMrkdwn(element.text);
}

/** Plain text: what the code printed is no markup. */
function resultBlock(result: string): KnownBlock {
  return { type: 'context', elements: [{ type: 'plain_text', text: result.toWellFormed(), emoji: false }] };
}

/** Whether the root message of these blocks has all of the code. */
export function showsWholeCode(blocks: readonly string[]): boolean {
  const chars = Math.floor(SHOWN_CODE_CHARS / blocks.length);
  return blocks.length <= SHOWN_CODE_CHARS / 50 && blocks.every((code) => shortenCode(code, chars) === code);
}
