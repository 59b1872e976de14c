import {
  wholeText,
  type BoundedText,
  type OutputPart,
  type OutputView,
} from '../../../../output/output-view.ts';
import { countOf, joinWords } from '../../../../text.ts';
import {
  type BodyElement,
  isVisible,
  jsonSize,
  outputLanguage,
  preformatted,
  sentence,
} from '../../rich-text.ts';
import { cutText, roomOf } from '../../truncate.ts';
import { fileNames, fileOf, STREAM_FILE, TABLE_NAME } from '../attachments.ts';
import { errorsFirst, isBlankPart, joinParts, readLogs } from './shown-parts.ts';
import { sizeWords } from './table.ts';

export interface RenderedOutput {
  elements: BodyElement[];
  /** The same as plain text, for readers that do not see blocks. */
  plain: string;
  /** Parts that are not shown whole. */
  cut: ReadonlySet<OutputPart>;
}

export interface OutputRoom {
  /** The room up to which everything is shown whole (see `roomOf`). */
  whole: number;
  /** The room that is used otherwise. */
  cut: number;
  /** Whether a file with what is cut is attached, so that it can be named. */
  isAttached: (name: string) => boolean;
  /** The names of files that could not be attached. */
  missing: ReadonlySet<string>;
  /** Whether Spark's log is only mentioned, as beside an error. */
  hidesLog: boolean;
  /** The part of a cut text's room for its start, 0 to 1. */
  headShare: number;
  /** The limit of the elements in any case, in characters of JSON. */
  json: number;
}

/** More files in a row are counted, not named. */
const FILES_NAMED = 5;
/** With smaller shares of the room each part would show too little; then parts in the middle are left out. */
const SCALES = [1, 1, 1 / 2, 1 / 4, 1 / 8];

/** Renders output parts as rich text, in order, within the room. Pure. */
export function renderOutput(output: OutputView, room: OutputRoom): RenderedOutput {
  const ordered = errorsFirst(output.parts);
  const isTooMuch = ordered.reduce((sum, part) => sum + roomOfPart(part), 0) > room.whole;
  let drawn: DrawnPart[] = [];
  for (const [attempt, scale] of SCALES.entries()) {
    const parts = joinParts(ordered, isTooMuch || attempt > 0);
    drawn = drawParts(parts, { ...room, whole: room.whole * scale, cut: room.cut * scale });
    if (jsonSizeOf(drawn) <= room.json) return collect(drawn);
  }
  return collect(leaveOutMiddle(drawn, room.json));
}

/** A rendered part, of one or several output parts. */
interface DrawnPart extends RenderedPart {
  of: readonly OutputPart[];
}

function drawParts(joined: ReadonlyMap<OutputPart, readonly OutputPart[]>, room: OutputRoom): DrawnPart[] {
  const parts = [...joined.keys()];
  const logs = readLogs(parts, room.hidesLog);
  const rooms = shareRoom(
    parts.map((part) => (logs.has(part) ? 0 : roomOfPart(part))),
    room,
  );
  const last = parts.findLast(({ kind }) => kind === 'error');
  const isStderrAlone = parts.every((part) => part.kind === 'text' && part.source === 'stderr');
  const logWords = room.isAttached(STREAM_FILE) ? 'Spark’s log is in output.txt' : 'Spark’s log is hidden';
  return parts.map((part, index) => {
    const of = joined.get(part) ?? [part];
    if (logs.has(part)) return { ...reference(logWords), isCut: true, of };
    if (part.kind === 'image' || part.kind === 'attachment')
      return { ...renderReferences(parts, index, room), of };
    // The cause and line of the error that ended the run are shown if a message can hold them.
    const least = part.kind === 'error' && part === last ? Math.min(roomOf(topOf(part)), room.whole) : 0;
    return { ...renderPart(part, { ...room, cut: Math.max(rooms[index] ?? 0, least) }, isStderrAlone), of };
  });
}

/** Keeps as many parts from both ends as fit into `room`, and counts the others. */
function leaveOutMiddle(drawn: readonly DrawnPart[], room: number): DrawnPart[] {
  const head: DrawnPart[] = [];
  const tail: DrawnPart[] = [];
  const middle = [...drawn];
  let remaining = room - 150;
  while (middle.length > 0) {
    const takesTail = jsonSizeOf(tail) <= jsonSizeOf(head);
    const next = takesTail ? middle.at(-1) : middle[0];
    if (next === undefined || jsonSizeOf([next]) > remaining) break;
    remaining -= jsonSizeOf([next]);
    if (takesTail) tail.unshift(next);
    else head.push(next);
    middle.splice(takesTail ? -1 : 0, 1);
  }
  const of = middle.flatMap((part) => part.of);
  const hidden = of.reduce((sum, part) => sum + (part.kind === 'gap' ? part.outputs : 1), 0);
  const gap = remaining < 0 ? UNSEEN : gapOf(hidden);
  return [...head, { ...gap, isCut: true, of }, ...tail];
}

function jsonSizeOf(drawn: readonly RenderedPart[]): number {
  return drawn.reduce(
    (sum, part) => sum + part.elements.reduce((inner, each) => inner + jsonSize(each) + 1, 0),
    0,
  );
}

function collect(drawn: readonly DrawnPart[]): RenderedOutput {
  return {
    elements: drawn.flatMap((each) => each.elements),
    plain: joinWords(
      '\n',
      drawn.map((each) => each.plain),
    ),
    cut: new Set(drawn.filter(({ isCut }) => isCut).flatMap(({ of }) => of)),
  };
}

function roomOfPart(part: OutputPart): number {
  if (part.kind === 'text') return roomOf(part.text);
  if (part.kind === 'error') return roomOf(topOf(part)) + roomOf(part.traceback);
  return 0;
}

/**
 * Each part gets what it needs if all fit; else small parts get what they need and large ones share the rest evenly.
 */
function shareRoom(needs: readonly number[], room: OutputRoom): number[] {
  const total = needs.reduce((sum, need) => sum + need, 0);
  if (total <= room.whole) return [...needs];
  let remaining = room.cut;
  const shares = needs.map(() => 0);
  const bySize = needs.map((need, index) => ({ need, index })).toSorted((a, b) => a.need - b.need);
  for (const [rank, { need, index }] of bySize.entries()) {
    const share = Math.min(need, Math.floor(remaining / (needs.length - rank)));
    shares[index] = share;
    remaining -= share;
  }
  return shares;
}

interface RenderedPart {
  elements: BodyElement[];
  plain: string;
  isCut: boolean;
}

const UNSEEN: RenderedPart = { elements: [], plain: '', isCut: false };

/** Images in a row are mentioned once, in place of the first; so are files. */
function renderReferences(parts: readonly OutputPart[], index: number, room: OutputRoom): RenderedPart {
  const kind = parts[index]?.kind;
  if (parts[index - 1]?.kind === kind) return UNSEEN;
  const end = parts.findIndex((part, at) => at > index && part.kind !== kind);
  const row = parts.slice(index, end === -1 ? parts.length : end);
  const named = fileNames(parts);
  const names = row.flatMap((part) => named.get(part) ?? []).filter((name) => !room.missing.has(name));
  if (names.length === 0) return UNSEEN;
  if (kind === 'image') return reference(names.length === 1 ? 'Image below' : `${names.length} images below`);
  if (names.length > FILES_NAMED) return reference(`${names.length} files below`);
  return reference(`${names.length === 1 ? 'File' : 'Files'} below: ${names.join(', ')}`);
}

function renderPart(
  part: Exclude<OutputPart, { kind: 'image' | 'attachment' }>,
  room: OutputRoom,
  isStderrAlone: boolean,
): RenderedPart {
  switch (part.kind) {
    case 'text': {
      if (isBlankPart(part)) return UNSEEN;
      const label = isStderrAlone ? undefined : labelOf(part.source);
      const shown = renderText(part.text, room, fileOf(part));
      const elements = label === undefined ? [] : [sentence(label, { italic: true })];
      return { ...shown, elements: [...elements, ...shown.elements] };
    }
    case 'gap':
      return gapOf(part.outputs);
    case 'error':
      return renderError(part, room);
    case 'table':
      return reference(`${room.missing.has(TABLE_NAME) ? 'Table' : 'Table below'}: ${sizeWords(part)}`);
  }
}

function labelOf(source: (OutputPart & { kind: 'text' })['source']): string | undefined {
  if (source === 'stderr') return 'stderr';
  return source === 'nextInput' ? 'Offered as the next input' : undefined;
}

function reference(text: string): RenderedPart {
  return { elements: [sentence(text, { italic: true })], plain: text, isCut: false };
}

function gapOf(outputs: number): RenderedPart {
  return reference(`… ${countOf(outputs, 'output')} hidden …`);
}

/** The exception, the user's own line, and the cause. */
function topOf(part: OutputPart & { kind: 'error' }): BoundedText {
  return wholeText(joinWords('\n', [part.headline, part.userLine ?? '', part.cause ?? '']));
}

function renderError(part: OutputPart & { kind: 'error' }, room: OutputRoom): RenderedPart {
  const first = topOf(part);
  const top = renderText(first, room, fileOf(part));
  const remaining = { ...room, cut: Math.max(0, room.cut - roomOf(first)) };
  const traceback = isVisible(part.traceback.head)
    ? renderText(part.traceback, remaining, fileOf(part))
    : undefined;
  return {
    elements: [
      ...top.elements,
      ...(part.hint === undefined ? [] : [sentence(part.hint)]),
      ...(traceback?.elements ?? []),
    ],
    plain: joinWords('\n', [top.plain, part.hint ?? '']),
    isCut: top.isCut || traceback?.isCut === true || part.isFolded,
  };
}

function renderText(text: BoundedText, room: OutputRoom, file: string | undefined): RenderedPart {
  const cut = cutText(text, room.cut, room.headShare);
  const whole = preformatted(cut.head, outputLanguage(cut.head));
  if (cut.hiddenChars === 0) return { elements: [whole], plain: cut.head, isCut: false };
  const count =
    cut.hiddenLines > 0 ? countOf(cut.hiddenLines, 'line') : countOf(cut.hiddenChars, 'character');
  const isNamed = file !== undefined && room.isAttached(file);
  const gap = `… ${count} hidden${isNamed ? `, all in ${file}` : ''} …`;
  return {
    elements: [
      ...(isVisible(cut.head) ? [preformatted(cut.head)] : []),
      sentence(gap, { italic: true }),
      ...(isVisible(cut.tail) ? [preformatted(cut.tail)] : []),
    ],
    plain: `${cut.head}\n${gap}\n${cut.tail}`,
    isCut: true,
  };
}
