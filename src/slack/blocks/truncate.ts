import type { BoundedText } from '../../output/output-view.ts';

/** Start and end of a text, and how much stands between. Nothing is hidden when `hiddenChars` is 0; then `tail` is ''. */
export interface CutText {
  head: string;
  tail: string;
  hiddenLines: number;
  hiddenChars: number;
}

/** A line costs as many characters of room as this beside its own: a wall of short lines is long, too. */
const lineCost = 40;

/** The room that a text takes on the screen: its characters, and some for each line. */
export function roomOf(text: BoundedText): number {
  const chars = text.head.length + text.tail.length + text.hiddenChars;
  return chars + lineCost * (countNewlines(text.head) + countNewlines(text.tail) + text.hiddenLines);
}

/**
 * Cuts the middle out of a text so that what is left takes at most `room`, `headShare` (0 to 1) of it for the start.
 * Whole lines where there are any; never through a surrogate pair. Newlines at the end are not shown.
 */
export function cutText(text: BoundedText, room: number, headShare: number): CutText {
  const whole = text.hiddenChars === 0 ? (text.head + text.tail).replace(/\n+$/, '') : undefined;
  if (whole !== undefined && whole.length + lineCost * countNewlines(whole) <= room) {
    return { head: whole, tail: '', hiddenLines: 0, hiddenChars: 0 };
  }
  const head = startWithin(whole ?? text.head, room * headShare);
  const end = whole?.slice(head.text.length) ?? text.tail.replace(/\n+$/, '');
  const tail = endWithin(end, room * (1 - headShare));
  const newlines = whole === undefined ? newlinesOf(text) - trailing(text.tail) : countNewlines(whole);
  const chars = whole?.length ?? text.head.length + text.hiddenChars + end.length;
  // the last line may take a little more than the room
  if (whole?.length === head.text.length + tail.text.length) {
    return { head: whole, tail: '', hiddenLines: 0, hiddenChars: 0 };
  }
  const between = newlines - countNewlines(head.text) - countNewlines(tail.text);
  return {
    head: head.text,
    tail: tail.text,
    hiddenLines: head.atLine && tail.atLine ? between - 1 : between,
    hiddenChars: chars - head.text.length - tail.text.length,
  };
}

interface CutEnd {
  text: string;
  /** The cut is between two lines. */
  atLine: boolean;
}

function startWithin(text: string, room: number): CutEnd {
  const cut = text.slice(0, unitsWithin(text, room));
  const line = cut.lastIndexOf('\n');
  if (line > cut.length / 2) return { text: cut.slice(0, line), atLine: true };
  return { text: cut.replace(/[\ud800-\udbff]$/, ''), atLine: false };
}

function endWithin(text: string, room: number): CutEnd {
  const cut = text.slice(text.length - unitsWithin([...reversedLines(text)].join('\n'), room));
  const line = cut.indexOf('\n');
  if (line !== -1 && line < cut.length / 2) return { text: cut.slice(line + 1), atLine: true };
  return { text: cut.replace(/^[\udc00-\udfff]/, ''), atLine: false };
}

/** The lines of a text from the last to the first; only their lengths matter to its caller. */
function reversedLines(text: string): string[] {
  return text.split('\n').toReversed();
}

/** How many units from the start fit into `room`. */
function unitsWithin(text: string, room: number): number {
  let at = 0;
  let left = room;
  while (at < text.length && left > 0) {
    const line = text.indexOf('\n', at);
    const length = line === -1 ? text.length - at : line - at;
    if (length >= left) return at + Math.floor(left);
    left -= length + 1 + lineCost;
    at += length + 1;
  }
  return Math.min(at, text.length);
}

function newlinesOf(text: BoundedText): number {
  return countNewlines(text.head) + text.hiddenLines + countNewlines(text.tail);
}

function trailing(text: string): number {
  return text.length - text.replace(/\n+$/, '').length;
}

function countNewlines(text: string): number {
  return text.split('\n').length - 1;
}
