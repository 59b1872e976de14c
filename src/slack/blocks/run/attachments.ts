import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { OutputPart } from '../../../output/output-view.ts';
import type { RunView } from '../../../runs/run-view.ts';
import { showsWholeCode, showsWholeOrigin } from '../who-ran.ts';

/**
 * A file or table that is posted beside a run message. `key` identifies it when late output ends the run again; a table keeps
 * its key when its content changes, which `version` tells.
 */
export type RunFile =
  | {
      kind: 'file';
      key: string;
      /** A file on the bot's disk, or the text itself. */
      content: { path: string } | { text: string };
      filename: string;
      alt?: string;
      snippet: boolean;
      /** The key of a table: it is posted only where the table's message does not show all of it. */
      wholeOf?: string;
    }
  | { kind: 'table'; key: string; version: string; part: TablePart };

type TablePart = OutputPart & { kind: 'table' };

export const STREAM_FILE = 'output.txt';
export const RESULTS_FILE = 'results.txt';
/** Of any table that could not be posted. */
export const TABLE_NAME = 'A table';
export const ARCHIVE_FILE = 'more-outputs.zip';

/** The name of the file with the whole text; undefined if the disk or the limit left no room for it. */
export function fileOf(part: OutputPart & { kind: 'text' | 'error' }): string | undefined {
  if (part.kind === 'text' && isStream(part)) return STREAM_FILE;
  if (part.path === undefined) return undefined;
  return part.kind === 'error' ? 'traceback.txt' : RESULTS_FILE;
}

function isStream(part: OutputPart & { kind: 'text' }): boolean {
  return part.source === 'stdout' || part.source === 'stderr';
}

/**
 * The files of an ended run, in the order of the output, whole texts last. `cut`: the parts that the message does not
 * show whole.
 */
export function runFiles(view: RunView, cut: ReadonlySet<OutputPart>): RunFile[] {
  const { output } = view;
  const code = codeFile(view);
  if (output === undefined) return code;
  const names = fileNames(output.parts);
  const tables = output.parts.filter(({ kind }) => kind === 'table');
  const shown = output.parts.flatMap((part): RunFile[] => {
    switch (part.kind) {
      case 'image':
        return [{ ...plainFile(part.path, names.get(part) ?? ''), alt: part.alt }];
      case 'attachment':
        return [plainFile(part.path, names.get(part) ?? part.filename)];
      case 'table': {
        const [key, version] = [`table ${tables.indexOf(part)}`, versionOf(part)];
        const table = { kind: 'table', key, version, part } as const;
        if (part.csvPath === undefined) return [table];
        const wholeOf = part.wantsCsv === true ? {} : { wholeOf: key };
        // The key has no path: after late output the same table is at another path.
        const csv = { ...plainFile(part.csvPath, 'table.csv'), key: `${key} ${version} as csv`, ...wholeOf };
        return [table, csv];
      }
      case 'text':
      case 'error':
      case 'gap':
        return [];
    }
  });
  const paths = new Map<string, string>();
  for (const part of cut) {
    if (part.kind !== 'error' && part.kind !== 'text') continue;
    const name = fileOf(part);
    if (part.path !== undefined && name !== undefined) paths.set(part.path, name);
  }
  const tooMany = output.losses.find((loss) => loss.kind === 'tooMany');
  if (tooMany?.path !== undefined) paths.set(tooMany.path, RESULTS_FILE);
  const archive = tooMany?.archive === undefined ? [] : [plainFile(tooMany.archive, ARCHIVE_FILE)];
  // A text grows where more outputs are not shown; after any other change it is at another path.
  const texts = [...paths].map(([path, name]) => ({
    ...textFile(path, name),
    key: `${path} ${tooMany?.parts ?? 0}`,
  }));
  const streamsCut =
    [...cut].some((part) => part.kind === 'text' && isStream(part)) || tooMany?.streams === true;
  const spool = streamsCut ? output.spoolPath : undefined;
  // The size is part of the key: after late output it is another file.
  const streams =
    spool === undefined ? [] : [{ ...textFile(spool, STREAM_FILE), key: `${spool} ${output.textBytes}` }];
  return [...code, ...shown, ...archive, ...streams, ...texts];
}

function versionOf(part: TablePart): string {
  const content = JSON.stringify({ ...part, path: undefined, csvPath: undefined });
  return createHash('sha256').update(content).digest('base64url');
}

function plainFile(path: string, filename: string): RunFile & { kind: 'file' } {
  return { kind: 'file', key: path, content: { path }, filename, snippet: false };
}

function textFile(path: string, filename: string): RunFile & { kind: 'file' } {
  return { ...plainFile(path, filename), snippet: true };
}

/** Distinct names for pictures (`image-1.png`, `image-2.png`) and attached files (`output.html`, `output-2.html`). */
export function fileNames(parts: readonly OutputPart[]): ReadonlyMap<OutputPart, string> {
  const seen = new Map<string, number>();
  const names = new Map<OutputPart, string>();
  const images = parts.filter((part) => part.kind === 'image');
  for (const [at, part] of images.entries())
    names.set(part, `image${images.length === 1 ? '' : `-${at + 1}`}${extname(part.path)}`);
  for (const part of parts) {
    if (part.kind !== 'attachment') continue;
    const { filename } = part;
    const number = (seen.get(filename) ?? 0) + 1;
    seen.set(filename, number);
    const ending = extname(filename);
    const numbered = `${filename.slice(0, filename.length - ending.length)}-${number}${ending}`;
    names.set(part, number === 1 ? filename : numbered);
  }
  return names;
}

/** The code, if no message shows it whole. */
function codeFile(view: RunView): RunFile[] {
  const { code, origin } = view;
  if (code === undefined) return [];
  const isShown = origin === undefined ? showsWholeCode(code.blocks) : showsWholeOrigin(view);
  if (isShown) return [];
  const text = `${code.blocks.map((block) => block.trimEnd()).join('\n\n')}\n`.toWellFormed();
  const filename = `code.${CODE_ENDINGS[code.language.toLowerCase()] ?? 'txt'}`;
  return [{ kind: 'file', key: 'code', content: { text }, filename, snippet: true }];
}

const CODE_ENDINGS: Readonly<Record<string, string>> = { python: 'py', scala: 'scala', r: 'r', sql: 'sql' };
