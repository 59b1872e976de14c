import { UserError } from '../errors.ts';
import { giveTurn, inOwnTurn, isCostly } from '../gateway/event-loop.ts';
import { jsonPieces } from '../output/mime/json-text.ts';
import { isRecord, parseJson, shownNumber, toLineFeeds } from '../text.ts';
import { type Cell, cellsToRun, type JsonObject, newCellId, type Notebook } from './model.ts';
import { cleanAttachments, cleanCellMetadata, cleanNotebookMetadata, noteText } from './nbformat.ts';

/** Largest file that is downloaded and parsed, including its old outputs, which are not kept. */
export const MAX_NOTEBOOK_BYTES = 20_000_000;
/** Most characters of JSON that are kept. */
const MAX_KEPT_CHARS = 4_000_000;
const MAX_CELLS = 10_000;
/** Each is a request to the kernel. */
const MAX_CELLS_TO_RUN = 1_000;

/** What a notebook says about its language, unchecked. */
export interface NotebookLanguage {
  /** The kernelspec that it was written with. */
  kernelspec: string | undefined;
  /** `python`, `scala`, `R`. */
  language: string | undefined;
  /** `2.7.18` */
  version: string | undefined;
}

/**
 * Reads a posted notebook of nbformat 2 to 4 into 4.5: cells get ids, and invalid metadata is removed. Works in turns
 * of the event loop. Rejects with `UserError('unreadableFile')` and a sentence if it is not a notebook or too large.
 */
export async function readNotebook(
  text: string,
  name: string,
): Promise<{ notebook: Notebook; language: NotebookLanguage }> {
  const given = await parse(text, name);
  const version = given['nbformat'];
  if (version !== 2 && version !== 3 && version !== 4) throw unreadable(name, versionWords(version));
  const raw = version === 4 ? given['cells'] : cellsOfVersion3(given);
  if (!Array.isArray(raw)) throw unreadable(name, 'it has no cells');
  if (raw.length > MAX_CELLS) throw unreadable(name, `it has over ${shownNumber(MAX_CELLS)} cells`);
  const notebook = await readCells(raw, given['metadata'], name);
  const toRun = cellsToRun(notebook).length;
  if (toRun === 0) throw new UserError('emptySnippet', `The notebook ${name} has no code to run.`);
  if (toRun > MAX_CELLS_TO_RUN)
    throw unreadable(
      name,
      `it has ${shownNumber(toRun)} code cells, and at most ${shownNumber(MAX_CELLS_TO_RUN)} run at once`,
    );
  return { notebook, language: languageOf(given) };
}

async function parse(text: string, name: string): Promise<JsonObject> {
  if (await inOwnTurn(() => isCostly(Buffer.from(text))))
    throw unreadable(name, 'it has too many lines and values');
  const given = (await parseInTurn(text)) ?? (await parseInTurn(await withoutNaN(text)));
  if (given === undefined) throw unreadable(name, text.trim() === '' ? 'it is empty' : 'it is no JSON');
  if (!isRecord(given) || !('nbformat' in given)) throw unreadable(name, 'it is not a notebook');
  return given;
}

async function parseInTurn(text: string): Promise<unknown> {
  return await inOwnTurn(() => parseJson(text));
}

/** After so many characters other work gets a turn. */
const SLICE_CHARS = 100_000;

/** Makes null of the numbers that Python writes although JSON has none of them: NaN, Infinity and -Infinity. */
async function withoutNaN(text: string): Promise<string> {
  const number = /NaN|-?Infinity/y;
  const between: string[] = [];
  let from = 0;
  let isInString = false;
  let turnAt = SLICE_CHARS;
  for (let at = 0; at < text.length; at += 1) {
    if (at > turnAt) {
      await giveTurn();
      turnAt = at + SLICE_CHARS;
    }
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '"') isInString = !isInString;
    else if (!isInString && (char === 'N' || char === 'I' || char === '-')) {
      number.lastIndex = at;
      if (!number.test(text)) continue;
      between.push(text.slice(from, at));
      from = number.lastIndex;
      at = from - 1;
    }
  }
  return [...between, text.slice(from)].join('null');
}

function versionWords(version: unknown): string {
  return typeof version === 'number' && version > 4
    ? `its format (nbformat ${version}) is newer than 4`
    : 'its format is too old; open it in Jupyter and save it anew';
}

async function readCells(raw: readonly unknown[], metadata: unknown, name: string): Promise<Notebook> {
  const ids = new Set<string>();
  try {
    const cells: Cell[] = [];
    for (const [index, cell] of raw.entries()) {
      await giveTurn();
      if (!isRecord(cell)) throw unreadable(name, `its cell ${index + 1} is none`);
      cells.push(readCell(cell, index, ids, name));
    }
    await giveTurn();
    return await fit({ metadata: cleanNotebookMetadata(metadata), cells }, name);
  } catch (error) {
    // Nothing that is nested this deeply could be written again.
    if (error instanceof RangeError) throw unreadable(name, 'it is nested too deeply');
    throw error;
  }
}

function readCell(cell: JsonObject, index: number, ids: Set<string>, name: string): Cell {
  const { id: givenId, cell_type: type } = cell;
  const isFree = typeof givenId === 'string' && /^[\w-]{1,64}$/.test(givenId) && !ids.has(givenId);
  const id = isFree ? givenId : newCellId();
  ids.add(id);
  const metadata = cleanCellMetadata(cell['metadata']);
  const source = readSource(cell['source'], name);
  if (source === undefined) throw unreadable(name, `its cell ${index + 1} has no source`);
  if (type === 'code') return { kind: 'code', id, metadata, source };
  const attachments = cleanAttachments(cell['attachments']);
  // Cells of an unknown type are kept as raw text.
  const kind = type === 'markdown' ? 'markdown' : 'raw';
  return { kind, id, metadata, source, ...(attachments === undefined ? {} : { attachments }) };
}

/** Lines end with LF, as in all code. */
function readSource(source: unknown, name: string): string | undefined {
  const text =
    Array.isArray(source) && source.every((line) => typeof line === 'string') ? source.join('') : source;
  if (typeof text !== 'string') return undefined;
  if (text.length > MAX_KEPT_CHARS) throw tooLong(name);
  return toLineFeeds(text).toWellFormed();
}

const LEFT_OUT = 'the pictures of this cell are left out; the notebook is too large with them';

/** Drops the pictures of text cells if the notebook is too large to keep. */
async function fit(notebook: Notebook, name: string): Promise<Notebook> {
  if ((await charsOf(notebook)) <= MAX_KEPT_CHARS) return notebook;
  const cells = notebook.cells.map((cell): Cell => {
    if (cell.kind === 'code' || cell.attachments === undefined) return cell;
    const { attachments: _, ...rest } = cell;
    return { ...rest, source: `${cell.source}\n\n${noteText(LEFT_OUT)}` };
  });
  const smaller = { ...notebook, cells };
  if ((await charsOf(smaller)) > MAX_KEPT_CHARS) throw tooLong(name);
  return smaller;
}

async function charsOf(notebook: Notebook): Promise<number> {
  const pieces = await jsonPieces(notebook);
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function languageOf(given: JsonObject): NotebookLanguage {
  const raw = isRecord(given['metadata']) ? given['metadata'] : {};
  const kernelspec = isRecord(raw['kernelspec']) ? raw['kernelspec'] : {};
  const info = isRecord(raw['language_info']) ? raw['language_info'] : {};
  // Version 3 has a language for each cell, in practice always the notebook's.
  const old = given['nbformat'] === 4 ? undefined : (wordOf(raw['language']) ?? 'python');
  return {
    kernelspec: wordOf(kernelspec['name']),
    language: wordOf(info['name']) ?? wordOf(kernelspec['language']) ?? old,
    version: wordOf(info['version']),
  };
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 100) : undefined;
}

function tooLong(name: string): UserError {
  return unreadable(name, `it is over ${MAX_KEPT_CHARS / 1e6} MB without its outputs and pictures`);
}

function unreadable(name: string, why: string): UserError {
  return new UserError('unreadableFile', `The notebook ${name} cannot be run: ${why}. Nothing ran.`);
}

/**
 * The cells of a notebook of nbformat 2 or 3 with the names of version 4: `input` becomes `source`, headings and html
 * cells become markdown. Undefined if there are none.
 */
function cellsOfVersion3({ worksheets }: JsonObject): unknown[] | undefined {
  if (!Array.isArray(worksheets)) return undefined;
  return worksheets.flatMap((sheet: unknown): unknown[] => {
    const cells = isRecord(sheet) ? sheet['cells'] : undefined;
    return Array.isArray(cells) ? cells.map(toVersion4) : [];
  });
}

function toVersion4(cell: unknown): unknown {
  if (!isRecord(cell)) return cell;
  const { cell_type: type, metadata, source = '' } = cell;
  switch (type) {
    case 'code':
      return { cell_type: 'code', metadata, source: cell['input'] ?? '' };
    case 'heading': {
      const { level } = cell;
      const depth = typeof level === 'number' && level >= 1 && level <= 6 ? Math.floor(level) : 1;
      const words = Array.isArray(source) ? source.join('') : String(source);
      return {
        cell_type: 'markdown',
        metadata,
        source: `${'#'.repeat(depth)} ${words.replaceAll('\n', ' ')}`,
      };
    }
    case 'html':
      return { cell_type: 'markdown', metadata, source };
    default:
      return { cell_type: type, metadata, source };
  }
}
