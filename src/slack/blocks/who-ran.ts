import type { KnownBlock, RichTextElement } from '@slack/types';
import type { RootContent, RunView } from '../../runs/run-view.ts';
import { joinWords } from '../../text.ts';
import { contextLine, escapeMrkdwn, mention } from './elements.ts';
import {
  type BodyElement,
  colouredAs,
  fitShorter,
  MESSAGE_ROOM,
  paragraph,
  person,
  preformatted,
} from './rich-text.ts';
import { shortenCode, truncate } from './truncate.ts';

/** Who ran what: the bot's root message, and the head of an answer to code that its thread does not show. */

/** How much code the root message shows; longer code is attached. */
const SHOWN_CODE_CHARS = 2_500;
/** A block of which less could be shown is left out. */
const MIN_BLOCK_CHARS = 50;

/** How much code `text` contains, which may have 4,000 bytes after an edit. */
const TEXT_CODE_CHARS = 300;

/** Leaves room for the line with the result. */
export const ROOT_ROOM = MESSAGE_ROOM - 1_000;

/**
 * "@user ran python2" with the code, and the result once it is known. The code is shortened until the blocks take at
 * most `room` characters of JSON.
 */
export function renderRoot(
  root: RootContent & { requester: string; result?: string },
  room: number,
): { text: string; blocks: KnownBlock[] } {
  const language = truncate(root.language, 200);
  const head = headOf(root, language);
  // For screen readers and notifications, which do not see the blocks.
  const said = truncate(root.blocks.join('\n\n'), TEXT_CODE_CHARS);
  const words = [said, root.result ?? ''].map(escapeMrkdwn);
  const text = joinWords('\n', [head.map(textOf).join(''), ...words]);
  const render = (chars: number): KnownBlock[] => {
    const blocks = root.blocks.slice(0, Math.floor(chars / MIN_BLOCK_CHARS));
    const code = blocks.map((block) =>
      preformatted(shortenCode(block, Math.floor(chars / blocks.length)), colouredAs(root.syntax)),
    );
    return [{ type: 'rich_text', elements: [paragraph(...head), ...code] }];
  };
  const rendered = fitShorter(SHOWN_CODE_CHARS, MIN_BLOCK_CHARS, room, render) ?? render(0);
  // Literal text: output must not be read as markup.
  const result = root.result === undefined ? [] : [contextLine(root.result)];
  return { text, blocks: [...rendered, ...result] };
}

/** `@ana ran python2`, `@ana ran python2, saved as report`, `python2, saved as report, scheduled by @ana, weekdays 8:00`. */
function headOf(
  { requester, saved }: RootContent & { requester: string },
  language: string,
): (string | RichTextElement)[] {
  const named = { type: 'text', text: language, style: { bold: true } } as const;
  const who = person(requester);
  if (saved === undefined) return [who, ' ran ', named];
  const as = `, saved as ${saved.name}`;
  if (saved.schedule === undefined) return [who, ' ran ', named, as];
  return [named, `${as}, scheduled by `, who, `, ${truncate(saved.schedule.words, 200)}`];
}

function textOf(element: string | RichTextElement): string {
  if (typeof element === 'string') return escapeMrkdwn(element);
  if (element.type === 'user') return mention(element.user_id);
  return 'text' in element ? escapeMrkdwn(element.text ?? '') : '';
}

/** Whether the root message shows all of this code. */
export function showsWholeCode(blocks: readonly string[]): boolean {
  const chars = Math.floor(SHOWN_CODE_CHARS / blocks.length);
  return (
    blocks.length <= SHOWN_CODE_CHARS / MIN_BLOCK_CHARS &&
    blocks.every((code) => shortenCode(code, chars) === code)
  );
}

/** How much code an answer repeats; longer code is attached. */
const REPEATED_CODE_CHARS = 1_200;

function originOf({ kind, name }: NonNullable<RunView['origin']>): string {
  if (kind === 'saved') return ` ran ${name ?? 'a saved snippet'}, as it is saved here`;
  if (kind === 'allRows') return ' asked for all rows of a table';
  return kind === 'again' ? ' ran this again' : ' ran an edited version';
}

/** "@ben ran this again" and the code, in at most `room` characters of JSON, so that the thread says what ran. */
export function renderOrigin({ requester, origin, code }: RunView, room: number): BodyElement[] {
  if (origin === undefined) return [];
  const who = paragraph(person(requester), originOf(origin));
  const render = (chars: number): BodyElement[] => [
    who,
    preformatted(shortenCode(joined(origin.blocks), chars), colouredAs(code?.language)),
  ];
  return fitShorter(REPEATED_CODE_CHARS, 40, room, render) ?? [who];
}

function joined(blocks: readonly string[]): string {
  return blocks.join('\n\n');
}

/** Whether the head of the answer shows all of the code. */
export function showsWholeOrigin({ origin }: RunView): boolean {
  const code = joined(origin?.blocks ?? []);
  return shortenCode(code, REPEATED_CODE_CHARS) === code;
}

/** The head as plain words, without the person, who would be mentioned by `text`. */
export function originWords({ origin }: RunView): string {
  return origin === undefined ? '' : originOf(origin).trim();
}
