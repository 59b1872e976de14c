import type { RichTextPreformatted, RichTextSection } from '@slack/types';
import {
  wholeText,
  type BoundedText,
  type OutputPart,
  type OutputView,
} from '../../../output/output-view.ts';
import { fileOf } from '../../messages/attachments.ts';
import { cutText, roomOf, type CutText } from '../truncate.ts';
import { isSparkLog } from './spark-log.ts';
import { sizeWords } from './table.ts';
import { isVisible, preformatted, sentence } from '../rich-text.ts';

export type BodyElement = RichTextSection | RichTextPreformatted;

export interface RenderedOutput {
  elements: BodyElement[];
  /** The same in plain words, for readers that do not see blocks. */
  plain: string;
  /** Parts whose text is not all there. */
  cut: ReadonlySet<OutputPart>;
}

export interface OutputRoom {
  /** Room in which everything is shown whole, if it fits (see `roomOf`). */
  whole: number;
  /** Room that is used when it does not fit. */
  cut: number;
  /** The whole of what is cut is attached as a file, and that is said. */
  isAttached: boolean;
  /** Part of a cut text's room that its start gets, 0 to 1. */
  headShare: number;
}

/** More files in a row are only counted. */
const filesNamed = 5;

/** Output parts as rich text, in order, within the room given. Pure. */
export function renderOutput(output: OutputView, room: OutputRoom): RenderedOutput {
  const ordered = errorsFirst(output.parts);
  const isTooMuch = ordered.reduce((sum, part) => sum + roomOfPart(part), 0) > room.whole;
  const joined = isTooMuch ? joinResults(ordered) : undefined;
  const parts = joined === undefined ? ordered : [...joined.keys()];
  const logs = readLogs(parts);
  const rooms = shareRoom(
    parts.map((part) => (logs.has(part) ? 0 : roomOfPart(part))),
    room,
  );
  const last = parts.findLast(({ kind }) => kind === 'error');
  const rendered = parts.map((part, index) => {
    if (logs.has(part)) return { ...reference("Spark's log is in output.txt"), isCut: true };
    if (part.kind === 'image' || part.kind === 'attachment') return renderReferences(parts, index);
    const given = rooms[index] ?? 0;
    // of the error that ended the run the cause and the line are there in any case
    const least = part.kind === 'error' && part === last ? roomOf(topOf(part)) : 0;
    return renderPart(part, { ...room, cut: Math.max(given, least) });
  });
  return {
    elements: rendered.flatMap((each) => each.elements),
    plain: rendered
      .map((each) => each.plain)
      .filter((text) => text !== '')
      .join('\n'),
    cut: new Set(
      parts
        .filter((_, index) => rendered[index]?.isCut === true)
        .flatMap((part) => joined?.get(part) ?? [part]),
    ),
  };
}

/**
 * Results in a row that do not fit are cut as one text, of which they all are in one file: a bit of each would say
 * nothing. Each part with those that it is made of.
 */
function joinResults(parts: readonly OutputPart[]): Map<OutputPart, readonly OutputPart[]> {
  const joined = new Map<OutputPart, readonly OutputPart[]>();
  let row: (OutputPart & { kind: 'text' })[] = [];
  const endRow = () => {
    const [first] = row;
    if (first === undefined) return;
    const texts = row.map(({ text: { head, tail } }) => `${head}${tail}`.replace(/\n$/, ''));
    const text = texts.join(texts.some((each) => each.includes('\n')) ? '\n\n' : '\n');
    joined.set(row.length === 1 ? first : { ...first, text: wholeText(text) }, row);
    row = [];
  };
  for (const part of parts) {
    const isResult = part.kind === 'text' && part.source === 'result' && part.text.hiddenChars === 0;
    if (!isResult || (row.length > 0 && row[0]?.path !== part.path)) endRow();
    if (isResult) row.push(part);
    else joined.set(part, [part]);
  }
  endRow();
  return joined;
}

/** What stands on stderr right before an error goes behind it: the cause comes first. */
function errorsFirst(parts: readonly OutputPart[]): OutputPart[] {
  const ordered: OutputPart[] = [];
  for (const part of parts) {
    const before =
      part.kind === 'error' ? ordered.splice(ordered.findLastIndex((each) => !isStderr(each)) + 1) : [];
    ordered.push(part, ...before);
  }
  return ordered;
}

function isStderr(part: OutputPart): boolean {
  return part.kind === 'text' && part.source === 'stderr';
}

/** Spark's log beside an error repeats it at length: it is only named, and stands in the file. */
function readLogs(parts: readonly OutputPart[]): ReadonlySet<OutputPart> {
  const hasError = parts.some((part) => part.kind === 'error');
  return new Set(
    hasError ? parts.filter((part) => part.kind === 'text' && isStderr(part) && isSparkLog(part.text)) : [],
  );
}

function roomOfPart(part: OutputPart): number {
  if (part.kind === 'text') return roomOf(part.text);
  if (part.kind === 'error') return roomOf(topOf(part)) + roomOf(part.traceback);
  return 0;
}

/** All get what they need when it fits; else the small ones do and the big ones share the rest evenly. */
function shareRoom(needs: readonly number[], room: OutputRoom): number[] {
  const total = needs.reduce((sum, need) => sum + need, 0);
  if (total <= room.whole) return [...needs];
  let left = room.cut;
  const shares = needs.map(() => 0);
  const bySize = needs.map((need, index) => ({ need, index })).toSorted((a, b) => a.need - b.need);
  for (const [rank, { need, index }] of bySize.entries()) {
    const share = Math.min(need, Math.floor(left / (needs.length - rank)));
    shares[index] = share;
    left -= share;
  }
  return shares;
}

interface RenderedPart {
  elements: BodyElement[];
  plain: string;
  isCut: boolean;
}

/** Images in a row are named once, where the first of them stands; so are files. */
function renderReferences(parts: readonly OutputPart[], index: number): RenderedPart {
  const kind = parts[index]?.kind;
  if (parts[index - 1]?.kind === kind) return { elements: [], plain: '', isCut: false };
  const end = parts.findIndex((part, at) => at > index && part.kind !== kind);
  const row = parts.slice(index, end === -1 ? parts.length : end);
  if (kind === 'image') return reference(row.length === 1 ? 'Image below' : `${row.length} images below`);
  const names = row.flatMap((part) => (part.kind === 'attachment' ? [part.filename] : []));
  if (names.length > filesNamed) return reference(`${names.length} files below`);
  return reference(`${names.length === 1 ? 'File' : 'Files'} below: ${names.join(', ')}`);
}

function renderPart(
  part: Exclude<OutputPart, { kind: 'image' | 'attachment' }>,
  room: OutputRoom,
): RenderedPart {
  switch (part.kind) {
    case 'text': {
      if (!isVisible(part.text.head + part.text.tail)) return { elements: [], plain: '', isCut: false };
      const label = labelOf(part.source);
      const shown = renderText(part.text, room, fileOf(part));
      return {
        elements: [...(label === undefined ? [] : [sentence(label, { italic: true })]), ...shown.elements],
        plain: shown.plain,
        isCut: shown.isCut,
      };
    }
    case 'error':
      return renderError(part, room);
    case 'table':
      return reference(`Table below: ${sizeWords(part)}`);
  }
}

function labelOf(source: (OutputPart & { kind: 'text' })['source']): string | undefined {
  if (source === 'stderr') return 'stderr';
  return source === 'nextInput' ? 'Offered as the next input' : undefined;
}

function reference(text: string): RenderedPart {
  return { elements: [sentence(text, { italic: true })], plain: text, isCut: false };
}

/** The exception, the user's own line, and what was behind it. */
function topOf(part: OutputPart & { kind: 'error' }): BoundedText {
  return wholeText(
    [part.headline, part.userLine, part.cause].filter((line) => line !== undefined).join('\n'),
  );
}

function renderError(part: OutputPart & { kind: 'error' }, room: OutputRoom): RenderedPart {
  const first = topOf(part);
  const top = renderText(first, room, fileOf(part));
  const left = { ...room, cut: Math.max(0, room.cut - roomOf(first)) };
  const traceback = isVisible(part.traceback.head)
    ? renderText(part.traceback, left, fileOf(part))
    : undefined;
  return {
    elements: [
      ...top.elements,
      ...(part.hint === undefined ? [] : [sentence(part.hint)]),
      ...(traceback?.elements ?? []),
    ],
    plain: [top.plain, part.hint].filter((line) => line !== undefined).join('\n'),
    isCut: top.isCut || traceback?.isCut === true || part.isFolded,
  };
}

function renderText(text: BoundedText, room: OutputRoom, file: string | undefined): RenderedPart {
  const cut = cutText(text, room.cut, room.headShare);
  if (cut.hiddenChars === 0) return { elements: [preformatted(cut.head)], plain: cut.head, isCut: false };
  const gap = `… ${gapWords(cut)} hidden${room.isAttached && file !== undefined ? `, all in ${file}` : ''} …`;
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

function gapWords(cut: CutText): string {
  const count = cut.hiddenLines > 0 ? cut.hiddenLines : cut.hiddenChars;
  const unit = cut.hiddenLines > 0 ? 'line' : 'character';
  return `${count.toLocaleString('en-US')} ${unit}${count === 1 ? '' : 's'}`;
}
