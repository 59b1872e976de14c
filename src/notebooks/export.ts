import { type Cell, cellCount, type CodeCell, type JsonObject, newCellId, type Notebook } from './model.ts';
import { cleanBundle, toJson, noteJson, type RanCell } from './nbformat.ts';

/** A run for an exported notebook. */
export interface ExportedRun {
  /** Markdown: who ran it, when, where, and how it ended. */
  heading: string;
  kernelspec: string;
  language?: string | undefined;
  /** The code of each block; empty if it is no longer kept. */
  code: readonly string[];
  /** How many blocks were started. */
  begun: number;
  executionCount: number | undefined;
  hasFailed: boolean;
  outputs: readonly ExportedOutput[];
}

export type ExportedOutput =
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { kind: 'error'; name: string; value: string; traceback: readonly string[] }
  /** Values by mime type. */
  | { kind: 'display'; data: JsonObject }
  /** Words in place of output that is no longer available or remains in Slack. */
  | { kind: 'note'; words: string };

export interface ExportedNotebook {
  notebook: Notebook;
  /** The outputs of a cell, by its number among those that run. */
  ran: (number: number) => RanCell | undefined;
}

/**
 * Exports runs as one notebook, in order, for the kernelspec that most of them ran on. A notebook has one kernel, so
 * code for another is shown as text.
 */
export function exportNotebook(title: string, runs: readonly ExportedRun[]): ExportedNotebook {
  const kernel = mostUsed(runs);
  const shown = new Map<string, RanCell>();
  const cells = runs.flatMap((run): Cell[] =>
    run.kernelspec === kernel?.kernelspec ? runCells(run, shown) : [textCell(asText(run))],
  );
  const metadata = kernel === undefined ? {} : metadataOf(kernel);
  const notebook = { metadata, cells: [textCell(title), ...cells] };
  const running = notebook.cells.filter((cell) => shown.has(cell.id));
  return { notebook, ran: (number) => shown.get(running[number]?.id ?? '') };
}

function runCells(run: ExportedRun, shown: Map<string, RanCell>): Cell[] {
  const { heading, code, begun, executionCount, hasFailed, outputs } = run;
  const written = outputs.map((output) => [outputJson(output)]);
  const blocks = code.filter((block) => block.trim() !== '');
  if (blocks.length === 0)
    return [textCell([heading, 'The code is no longer kept.', ...outputs.map(outputText)].join('\n\n'))];
  // The outputs of several blocks are in one answer; they go to the last block that ran.
  const last = Math.min(Math.max(begun, 1), blocks.length) - 1;
  const cells = blocks.map((source, index): CodeCell => {
    // nbclient continues after a cell with this tag.
    const metadata = hasFailed && index === last ? { tags: ['raises-exception'] } : {};
    return { kind: 'code', id: newCellId(), metadata, source };
  });
  for (const [index, { id }] of cells.entries())
    shown.set(
      id,
      index === last ? { count: cellCount(executionCount), outputs: written } : { count: null, outputs: [] },
    );
  return [textCell(heading), ...cells];
}

function outputJson(output: ExportedOutput): string {
  switch (output.kind) {
    case 'stream':
      return toJson({ output_type: 'stream', name: output.name, text: output.text });
    case 'error': {
      const { name: ename, value: evalue, traceback } = output;
      return toJson({ output_type: 'error', ename, evalue, traceback });
    }
    case 'display':
      return toJson({ output_type: 'display_data', data: cleanBundle(output.data), metadata: {} });
    case 'note':
      return noteJson(output.words);
  }
}

function asText({ heading, language, kernelspec, code, outputs }: ExportedRun): string {
  return [
    heading,
    `It ran on ${kernelspec}, which is not this notebook’s kernel.`,
    ...code.map((block) => fenced(block, language ?? '')),
    ...outputs.map(outputText),
  ].join('\n\n');
}

function outputText(output: ExportedOutput): string {
  switch (output.kind) {
    case 'stream':
      return fenced(output.text);
    case 'error':
      return fenced(output.traceback.join('\n'));
    case 'display': {
      const { 'text/plain': plain } = output.data;
      return typeof plain === 'string' ? fenced(plain) : '*(a picture)*';
    }
    case 'note':
      return `*${output.words}*`;
  }
}

/** The fence is longer than any run of backticks in the text. */
function fenced(text: string, language = ''): string {
  let longest = 2;
  for (const [row] of text.matchAll(/`+/g)) longest = Math.max(longest, row.length);
  const fence = '`'.repeat(longest + 1);
  return `${fence}${/^[\w+#-]+$/.test(language) ? language : ''}\n${text.replace(/\n$/, '')}\n${fence}`;
}

function textCell(source: string): Cell {
  return { kind: 'markdown', id: newCellId(), metadata: {}, source: source.toWellFormed() };
}

function mostUsed(runs: readonly ExportedRun[]): ExportedRun | undefined {
  const counts = Map.groupBy(runs, ({ kernelspec }) => kernelspec);
  const [most] = [...counts.values()].toSorted((a, b) => b.length - a.length);
  return most?.at(-1);
}

/** What a notebook says about its kernel. `language` is the kernelspec's word, by which papermill writes values. */
export function metadataOf(kernel: Pick<ExportedRun, 'kernelspec' | 'language'>): JsonObject {
  const { kernelspec: name, language } = kernel;
  return {
    kernelspec: { name, display_name: name, ...(language === undefined ? {} : { language }) },
    ...(language === undefined ? {} : { language_info: { name: language } }),
  };
}
