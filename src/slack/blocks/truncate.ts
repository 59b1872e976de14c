import { type BoundedText, wholeText } from '../../output/output-view.ts';
import { countNewlines, countOf } from '../../text.ts';

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** Longer graphemes (in UTF-16 units) are cut between two code points. */
const MAX_GRAPHEME = 64;

/** The positions around `index` where a text may be cut: between two graphemes, never within a surrogate pair. */
function boundariesAround(text: string, index: number): { before: number; after: number } {
  const at = Math.min(Math.max(0, Math.floor(index)), text.length);
  const start = Math.max(0, at - MAX_GRAPHEME);
  const found = GRAPHEMES.segment(text.slice(start, at + MAX_GRAPHEME)).containing(at - start);
  if (found === undefined || start + found.index === at) return { before: at, after: at };
  const isTooLong = found.segment.length >= MAX_GRAPHEME;
  const isInPair = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  if (isTooLong) return isInPair ? { before: at - 1, after: at + 1 } : { before: at, after: at };
  return { before: start + found.index, after: start + found.index + found.segment.length };
}

/** The first `max` UTF-16 units of a text, or a few less. */
export function startOf(text: string, max: number): string {
  return text.slice(0, boundariesAround(text, max).before);
}

/** At most `max` UTF-16 units of a text; `…` stands for what is left out. */
export function truncate(text: string, max: number): string {
  return text.length <= max ? text : `${startOf(text, max - 1)}…`;
}

/** The same, but the middle is left out: start and end are each about half of `max`. */
export function truncateMiddle(text: string, max: number, gap = ' … '): string {
  if (text.length <= max) return text;
  const half = Math.max(0, (max - gap.length) / 2);
  return `${startOf(text, half)}${gap}${text.slice(boundariesAround(text, text.length - half).after)}`;
}

/** The same for our own mrkdwn: no entity, link or mention is cut. */
export function truncateMrkdwn(text: string, max: number): string {
  if (text.length <= max) return text;
  const head = startOf(text, max - 1).replace(/&[a-z]{0,3}$/, '');
  const link = head.lastIndexOf('<');
  return `${link > head.lastIndexOf('>') ? head.slice(0, link) : head}…`;
}

/** Of longer code only the first lines are shown. */
const WHOLE_CODE_LINES = 25;
const FOLDED_CODE_LINES = 10;

/** The whole code if it is short and has at most `max` characters, else its first lines and the count of the rest. */
export function shortenCode(code: string, max: number): string {
  const lines = code.trimEnd().split('\n');
  if (code.length <= max && lines.length <= WHOLE_CODE_LINES) return code;
  const first = lines.slice(0, FOLDED_CODE_LINES).join('\n');
  const line = first.length <= max ? first.length : first.lastIndexOf('\n', max);
  const head = line > 0 ? first.slice(0, line) : startOf(first, max);
  const hidden = lines.length - head.split('\n').length;
  const isWithinLine = head.length < code.length && code[head.length] !== '\n';
  const rest = isWithinLine
    ? countOf(code.length - head.length, 'more character')
    : countOf(hidden, 'more line');
  return `${head}\n… ${rest}`;
}

/** How many characters of room a line takes besides its own: many short lines are long, too. */
const LINE_COST = 180;
/** A cut does not fall within a line that is not longer. */
const SHORT_LINE = 80;

/** The room that a text takes on the screen: its characters, and `LINE_COST` for each line. */
export function roomOf(text: BoundedText): number {
  const chars = text.head.length + text.tail.length + text.hiddenChars;
  return chars + LINE_COST * newlinesOf(text);
}

/**
 * Cuts the middle out of a text so that the rest takes at most `room`, of which the start gets `headShare` (0 to 1).
 * Cuts between lines where possible, never within a grapheme. Newlines at the end are dropped. If nothing is hidden,
 * `tail` is ''.
 */
export function cutText(text: BoundedText, room: number, headShare: number): BoundedText {
  const isWhole = text.hiddenChars === 0;
  const written = isWhole ? text.head + text.tail : text.tail;
  const shown = withoutEnd(written);
  const newlines = newlinesOf(text) - (written.length - shown.length);
  if (isWhole && shown.length + LINE_COST * newlines <= room) return wholeText(shown);
  const head = startWithin(isWhole ? shown : text.head, room * headShare);
  const end = isWhole ? shown.slice(head.text.length) : shown;
  const tail = endWithin(end, room * (1 - headShare));
  const chars = isWhole ? shown.length : text.head.length + text.hiddenChars + end.length;
  // The last line may take a little more than the room.
  const newline = head.atLine && tail.atLine ? 1 : 0;
  if (isWhole && shown.length <= head.text.length + newline + tail.text.length) return wholeText(shown);
  const between = newlines - countNewlines(head.text) - countNewlines(tail.text);
  return {
    head: head.text,
    tail: tail.text,
    hiddenLines: between - newline,
    hiddenChars: chars - head.text.length - tail.text.length,
  };
}

interface CutEnd {
  text: string;
  /** The cut is between two lines. */
  atLine: boolean;
}

function startWithin(text: string, room: number): CutEnd {
  const units = unitsWithin(text, room);
  const line = text.lastIndexOf('\n', units);
  if (units > 0 && line > units / 2) return { text: text.slice(0, line), atLine: true };
  return { text: startOf(text, units), atLine: false };
}

function endWithin(text: string, room: number): CutEnd {
  // Only the lengths of the last lines matter, as many as can fit.
  const last = text.slice(-Math.ceil(room + SHORT_LINE));
  const units = unitsWithin(last.split('\n').toReversed().join('\n'), room);
  const from = text.length - units;
  const line = text.indexOf('\n', from - 1);
  if (line !== -1 && line - from < units / 2) return { text: text.slice(line + 1), atLine: true };
  return { text: text.slice(boundariesAround(text, from).after), atLine: false };
}

/** How many UTF-16 units from the start fit into `room`. */
function unitsWithin(text: string, room: number): number {
  let at = 0;
  let remaining = room;
  while (at < text.length && remaining > 0) {
    const line = text.indexOf('\n', at);
    const length = line === -1 ? text.length - at : line - at;
    if (length >= remaining) return at + (length > SHORT_LINE ? Math.floor(remaining) : length);
    remaining -= length + 1 + LINE_COST;
    at += length + 1;
  }
  return Math.min(at, text.length);
}

/** A message may have hundreds of texts, and each is measured whenever it is drawn. */
const counted = new WeakMap<BoundedText, number>();

function newlinesOf(text: BoundedText): number {
  const known = counted.get(text);
  if (known !== undefined) return known;
  const found = countNewlines(text.head) + text.hiddenLines + countNewlines(text.tail);
  counted.set(text, found);
  return found;
}

/** Removes the newlines at the end; a regular expression would start anew at each newline of the text. */
function withoutEnd(text: string): string {
  let end = text.length;
  while (text[end - 1] === '\n') end -= 1;
  return text.slice(0, end);
}
