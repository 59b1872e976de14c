import type { RunView } from '../../../runs/run-view.ts';
import { type BodyElement, colouredAs, jsonSize, preformatted } from '../rich-text.ts';
import { shortenCode } from '../truncate.ts';

/** What of the code an answer repeats; all of it is attached. */
const SHOWN_CODE_CHARS = 1_200;

function wordsOf({ kind, name }: NonNullable<RunView['origin']>): string {
  if (kind === 'saved') return ` ran ${name ?? 'a saved snippet'}, as it is saved here`;
  if (kind === 'allRows') return ' asked for all rows of a table';
  return kind === 'again' ? ' ran this again' : ' ran an edited version';
}

/** "@ben ran this again" and the code, in at most `room` characters of JSON: the record of a thread stays true. */
export function renderOrigin({ requester, origin, code }: RunView, room: number): BodyElement[] {
  if (origin === undefined) return [];
  const who: BodyElement = {
    type: 'rich_text_section',
    elements: [
      { type: 'user', user_id: requester },
      { type: 'text', text: wordsOf(origin) },
    ],
  };
  for (let chars = SHOWN_CODE_CHARS; chars >= 40; chars = Math.floor(chars / 2)) {
    const shown = preformatted(shortenCode(joined(origin.blocks), chars), colouredAs(code?.language));
    if (jsonSize([who, shown]) <= room) return [who, shown];
  }
  return [who];
}

function joined(blocks: readonly string[]): string {
  return blocks.join('\n\n');
}

/** Whether the head of the answer has all of the code. */
export function showsWholeOrigin({ origin }: RunView): boolean {
  const code = joined(origin?.blocks ?? []);
  return shortenCode(code, SHOWN_CODE_CHARS) === code;
}

/** The same without blocks. A person is named by the blocks alone: in `text` it would be a mention. */
export function originWords({ origin }: RunView): string {
  return origin === undefined ? '' : wordsOf(origin).trim();
}
