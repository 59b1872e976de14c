import type { RunView } from '../../../runs/run-view.ts';
import { jsonSize, preformatted } from '../rich-text.ts';
import { startOf } from '../truncate.ts';
import type { BodyElement } from './output.ts';

/** What of the code an answer repeats; "Edit and run" has all of it. */
const SHOWN_CODE_CHARS = 1_200;

function wordsOf({ kind, name }: NonNullable<RunView['origin']>): string {
  if (kind === 'saved') return ` ran ${name ?? 'a saved snippet'}, as it is saved here`;
  return kind === 'again' ? ' ran this again' : ' ran an edited version';
}

/** "@ben ran this again" and the code, in at most `room` characters of JSON: the record of a thread stays true. */
export function renderOrigin({ requester, origin }: RunView, room: number): BodyElement[] {
  if (origin === undefined) return [];
  const who: BodyElement = {
    type: 'rich_text_section',
    elements: [
      { type: 'user', user_id: requester },
      { type: 'text', text: wordsOf(origin) },
    ],
  };
  const code = origin.blocks.join('\n\n');
  for (let chars = SHOWN_CODE_CHARS; chars >= 40; chars = Math.floor(chars / 2)) {
    const head = startOf(code, chars);
    const hidden = code.length - head.length;
    const shown = preformatted(hidden > 0 ? `${head}\n… (${hidden} more characters)` : head);
    if (jsonSize([who, shown]) <= room) return [who, shown];
  }
  return [who];
}

/** The same without blocks. A person is named by the blocks alone: in `text` it would be a mention. */
export function originWords({ origin }: RunView): string {
  return origin === undefined ? '' : wordsOf(origin).trim();
}
