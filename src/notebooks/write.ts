import { createReadStream } from 'node:fs';
import type { SpoolRange } from '../output/output-view.ts';
import { type Cell, cellsToRun, type JsonObject, newCellId, type Notebook } from './model.ts';
import { streamOutputJson, toJson } from './nbformat.ts';
import type { RecordedCell } from './cell-outputs.ts';

/** What a cell that has run shows. */
export interface RanCell {
  count: number | null;
  /** Each output as JSON, in pieces. */
  outputs: Iterable<AsyncIterable<string> | Iterable<string>>;
}

/**
 * The notebook's file (nbformat 4.5) in pieces; `ran` gives what a cell shows, by its number among those that run. Cells
 * that did not run are empty.
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

/** As Jupyter writes text: a line each, with its break. */
function linesOf(source: string): string[] {
  return source === '' ? [] : source.split(/(?<=\n)/);
}

/** What an executed cell shows, from the disk: text in pieces, so that memory does not grow with it. */
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
    // What the disk has lost since is said in its place.
    if (isBegun) throw error;
    yield noteJson('an output could not be read again');
  }
}

/** Opened when it is its turn: a notebook may have thousands. */
async function* readRange(path: string | undefined, { from, to }: SpoolRange): AsyncGenerator<string> {
  if (path === undefined) return;
  const text = createReadStream(path, { start: from, end: to - 1, encoding: 'utf8' });
  for await (const piece of text) yield String(piece);
}

/** The bot's own words among a cell's outputs. */
export function noteJson(words: string): string {
  return toJson({ output_type: 'stream', name: 'stderr', text: `[Sparkthread: ${words}]\n` });
}

/** For code of which nothing but itself is known. */
export function notebookOf(blocks: readonly string[], metadata: JsonObject): Notebook {
  return {
    metadata,
    cells: blocks.map((source) => ({ kind: 'code', id: newCellId(), metadata: {}, source })),
  };
}
