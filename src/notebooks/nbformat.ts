import { createReadStream } from 'node:fs';
import { giveTurn } from '../gateway/event-loop.ts';
import type { Output } from '../gateway/outputs.ts';
import { htmlTable } from '../output/mime/html-table.ts';
import { jsonPieces } from '../output/mime/json-text.ts';
import { readSparkTable, SPARK_TABLE_MIME } from '../output/mime/spark-tables.ts';
import type { SpoolRange } from '../output/output-view.ts';
import { countOf, isRecord } from '../text.ts';
import type { RecordedCell } from './cell-outputs.ts';
import { isJsonMime, type JsonObject, type Cell, cellsToRun, type Notebook } from './model.ts';

/**
 * What the schema of nbformat 4.5 requires of a value. Invalid values would make the whole notebook invalid, so they
 * are removed.
 */
type Rule = (value: unknown) => boolean;

const isText: Rule = (value) => typeof value === 'string';

const NOTEBOOK_RULES: Readonly<Record<string, Rule>> = {
  kernelspec: (value) => isRecord(value) && isText(value['name']) && isText(value['display_name']),
  language_info: (value) =>
    isRecord(value) &&
    isText(value['name']) &&
    ['file_extension', 'mimetype', 'pygments_lexer'].every((key) => !(key in value) || isText(value[key])) &&
    (!('codemirror_mode' in value) || isText(value['codemirror_mode']) || isRecord(value['codemirror_mode'])),
  // The schema forbids it in files.
  orig_nbformat: () => false,
  // The state of the widgets in the old outputs, which are not kept.
  widgets: () => false,
  title: isText,
  authors: Array.isArray,
};

const CELL_RULES: Readonly<Record<string, Rule>> = {
  format: isText,
  jupyter: isRecord,
  // When the old outputs came, which are not kept.
  execution: () => false,
  collapsed: (value) => typeof value === 'boolean',
  scrolled: (value) => typeof value === 'boolean' || value === 'auto',
  name: (value) => typeof value === 'string' && /^[^\n]+$/.test(value),
  tags: (value) =>
    Array.isArray(value) &&
    new Set(value).size === value.length &&
    value.every((tag) => typeof tag === 'string' && /^[^,]+$/.test(tag)),
};

export function cleanNotebookMetadata(given: unknown): JsonObject {
  return withRules(given, NOTEBOOK_RULES);
}

export function cleanCellMetadata(given: unknown): JsonObject {
  return withRules(given, CELL_RULES);
}

function withRules(given: unknown, rules: Readonly<Record<string, Rule>>): JsonObject {
  if (!isRecord(given)) return {};
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => !Object.hasOwn(rules, key) || rules[key]?.(value) === true,
    ),
  );
}

/** The pictures of a text cell; undefined if there are none. */
export function cleanAttachments(given: unknown): JsonObject | undefined {
  if (!isRecord(given)) return undefined;
  const clean = Object.entries(given).flatMap(([name, bundle]) =>
    isRecord(bundle) ? [[name, cleanBundle(bundle)] as const] : [],
  );
  return clean.length === 0 ? undefined : Object.fromEntries(clean);
}

/** A mime bundle for a notebook: values of types other than JSON become text. */
export function cleanBundle(bundle: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, value]) => [
      mime,
      isOfMime(mime, value) ? value : (JSON.stringify(value) ?? ''),
    ]),
  );
}

/** Whether a notebook may contain this value of this type unchanged. */
export function isOfMime(mime: string, value: unknown): boolean {
  return isJsonMime(mime) || isText(value) || (Array.isArray(value) && value.every(isText));
}

/** JSON that every reader accepts: lone surrogates, which UTF-8 cannot encode, become U+FFFD. */
export function toJson(value: unknown): string {
  return wellFormed(JSON.stringify(value));
}

/** JSON.stringify escapes surrogates only if they are alone. */
function wellFormed(json: string): string {
  return !json.includes('\\ud')
    ? json
    : json.replaceAll(/(?<!\\)((?:\\\\)*)\\ud[89a-f][\da-f]{2}/g, '$1\ufffd');
}

/**
 * An output of a cell in nbformat, written in pieces so that other work gets turns; `count` is the cell's. Rejects if
 * it is nested too deeply.
 */
export async function outputPieces(
  output: Output & { kind: 'result' | 'display' | 'updateDisplay' | 'error' },
  count: number | null,
): Promise<string[]> {
  if (output.kind === 'error') {
    const { name, value, traceback } = output;
    return await wellFormedPieces({ output_type: 'error', ename: name, evalue: value, traceback });
  }
  const data: Record<string, unknown> = {};
  for (const [mime, value] of Object.entries((await tableForms(output.data)) ?? output.data))
    data[mime] = isOfMime(mime, value) ? value : (await jsonPieces(value)).join('');
  const shown = { data, metadata: output.metadata };
  return await (output.kind === 'result'
    ? wellFormedPieces({ output_type: 'execute_result', ...shown, execution_count: count })
    : wellFormedPieces({ output_type: 'display_data', ...shown }));
}

/** A table that our own code in a kernel has sent, in forms that every reader knows; undefined for other outputs. */
async function tableForms({ [SPARK_TABLE_MIME]: sent }: JsonObject): Promise<JsonObject | undefined> {
  const read = await readSparkTable(sent);
  if (read?.kind !== 'table') return read && { 'text/plain': read.text };
  const { columns, rows, isBeginning } = read.table;
  const html = await htmlTable([columns, ...rows]);
  const note = isBeginning ? `\n<p>first ${countOf(rows.length, 'row')}</p>` : '';
  return { 'text/html': `${html}${note}`, 'text/plain': read.text };
}

async function wellFormedPieces(value: object): Promise<string[]> {
  const pieces: string[] = [];
  for (const piece of await jsonPieces(value)) {
    await giveTurn();
    pieces.push(wellFormed(piece));
  }
  return pieces;
}

/** A stream output whose text arrives in pieces. */
export async function* streamOutputJson(
  name: string,
  pieces: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<string> {
  yield `{"output_type":"stream","name":${toJson(name)},"text":"`;
  for await (const piece of pieces) yield toJson(piece).slice(1, -1);
  yield '"}';
}

/** The result of a cell that has run. */
export interface RanCell {
  count: number | null;
  /** Each output as JSON, in pieces. */
  outputs: Iterable<AsyncIterable<string> | Iterable<string>>;
}

/**
 * The notebook's file (nbformat 4.5) in pieces; `ran` gives the result of a cell by its number among those that run.
 * Cells that did not run are empty.
 */
export async function* notebookText(
  notebook: Notebook,
  ran: (number: number) => RanCell | undefined,
): AsyncGenerator<string> {
  const running = new Map(cellsToRun(notebook).map((cell, number) => [cell.id, number]));
  yield '{"cells":[';
  for (const [index, cell] of notebook.cells.entries()) {
    const number = running.get(cell.id);
    yield index === 0 ? '\n' : ',\n';
    yield* cellText(cell, number === undefined ? undefined : ran(number));
  }
  yield `\n],"metadata":${toJson(notebook.metadata)},"nbformat":4,"nbformat_minor":5}\n`;
}

async function* cellText(cell: Cell, ran: RanCell | undefined): AsyncGenerator<string> {
  const { kind, id, metadata } = cell;
  const source = linesOf(cell.source);
  if (cell.kind !== 'code') {
    const attachments = cell.attachments === undefined ? {} : { attachments: cell.attachments };
    yield toJson({ cell_type: kind, id, metadata, ...attachments, source });
    return;
  }
  const count = ran?.count ?? null;
  yield toJson({ cell_type: kind, execution_count: count, id, metadata, source }).slice(0, -1);
  yield ',"outputs":[';
  let isFirst = true;
  for (const output of ran?.outputs ?? []) {
    yield isFirst ? '\n' : ',\n';
    isFirst = false;
    yield* output;
  }
  yield ']}';
}

/** As Jupyter writes text: an array of lines, each with its newline. */
function linesOf(source: string): string[] {
  return source === '' ? [] : source.split(/(?<=\n)/);
}

/** The outputs of an executed cell, read from the disk in pieces, so that memory stays bounded. */
export function recordedOutputs(
  { outputs }: RecordedCell,
  streamsPath: string | undefined,
): AsyncIterable<string>[] {
  return outputs.map((output) =>
    output.kind === 'file'
      ? readWhole(output.path)
      : streamOutputJson(output.name, readRange(streamsPath, output.spooled)),
  );
}

async function* readWhole(path: string): AsyncGenerator<string> {
  let isBegun = false;
  try {
    for await (const piece of createReadStream(path, 'utf8')) {
      isBegun = true;
      yield String(piece);
    }
  } catch (error) {
    // A file that has been lost is replaced by a note.
    if (isBegun) throw error;
    yield noteJson('an output could not be read again');
  }
}

/** The file is opened only when it is read: a notebook may have thousands of outputs. */
async function* readRange(path: string | undefined, { from, to }: SpoolRange): AsyncGenerator<string> {
  if (path === undefined) return;
  const text = createReadStream(path, { start: from, end: to - 1, encoding: 'utf8' });
  for await (const piece of text) yield String(piece);
}

/** A note by the bot in a notebook: among a cell's outputs as stderr text, or in the text of a cell. */
export function noteText(words: string): string {
  return `[Sparkthread: ${words}]\n`;
}

export function noteJson(words: string): string {
  return toJson({ output_type: 'stream', name: 'stderr', text: noteText(words) });
}
