import { createReadStream } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import { giveTurn, hasTime } from '../../gateway/event-loop.ts';
import type { MimeBundle } from '../../gateway/outputs.ts';
import type { ReadError } from '../errors/kernel-error.ts';
import type { ShownForm } from '../mime/browser-forms.ts';
import { isGap, type Table } from '../mime/html-table.ts';
import { rasteriseSvg } from '../mime/rasterise-svg.ts';
import { readBundle } from '../mime/read-bundle.ts';
import { splitTextTables, TABLES_SHOWN } from '../mime/spark-tables.ts';
import type { Shown, TextKind } from '../model/picture.ts';
import type { BoundedText, OutputPart, SpoolRange, TextSource } from '../output-view.ts';
import { withoutColours } from '../terminal/terminal-reader.ts';
import { boundText } from '../terminal/terminal-text.ts';
import type { RunFolder } from './run-folder.ts';

/** How much of a table is kept in memory and in each snapshot: at least what Slack shows. The CSV has everything. */
const TABLE_ROWS_KEPT = 200;
const TABLE_COLUMNS_KEPT = 20;
const TABLE_CHARS_KEPT = 50_000;
/** Longer texts are not searched for tables: they would be held in memory completely and block other work. */
const SEARCHED_BYTES = 2_000_000;
const CELL_CHARS_KEPT = 500;
/** For a column that is only counted it is enough to know that it has a name. */
const NAME_CHARS_KEPT = 10;
/** Slack's limit for the description of a picture. */
const ALT_CHARS = 1_000;

const extensions = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' } as const;

/** The file into which all texts of a kind are joined at the end. */
export const TEXT_FILES: Readonly<Record<TextKind, string>> = {
  results: 'results.txt',
  tracebacks: 'traceback.txt',
};

/** Makes the parts of one output, and writes what is too long or not text to files. */
export class PartFiles implements Shown {
  readonly parts: OutputPart[] = [];
  readonly texts: string[] = [];
  readonly files: string[] = [];
  readonly #folder: RunFolder;

  constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  /** Rejects if the bundle cannot be read. */
  async addBundle(data: MimeBundle, textSource: 'result' | 'pager'): Promise<this> {
    for (const form of await readBundle(data)) await this.#addForm(form, textSource);
    return this;
  }

  async addError(error: ReadError): Promise<this> {
    const { whole, printed: _, ...shown } = error;
    const path = await this.#keepText('tracebacks', whole);
    this.parts.push({ kind: 'error', ...shown, traceback: await boundText(error.traceback), path });
    return this;
  }

  async addText(source: TextSource, written: string): Promise<this> {
    if (written === '') return this;
    const text = await boundText(written);
    // R underlines its help as for a printer.
    const plain = source === 'pager' ? written.replaceAll('_\b', '') : written;
    const path = await this.#keepText('results', plain);
    const part = { kind: 'text' as const, source, text, path };
    const isSearched = text.hiddenChars > 0 && written.length <= SEARCHED_BYTES;
    if (isSearched) await this.#addSplit(part, written, TABLES_SHOWN);
    else this.parts.push(part);
    return this;
  }

  /**
   * Adds parts in their final form: tables in texts become tables, up to the number that is shown; the rest stays text.
   * `spoolPath`: the file of the streams.
   */
  async addWithTables(parts: readonly OutputPart[], spoolPath: string | undefined): Promise<this> {
    for (const part of parts) {
      const remaining = TABLES_SHOWN - this.parts.filter(({ kind }) => kind === 'table').length;
      if (part.kind === 'table' && remaining <= 0) {
        this.parts.push({ kind: 'text', source: 'result', text: part.text, path: part.path });
        continue;
      }
      const whole = part.kind === 'text' && remaining > 0 ? await wholeTextOf(part, spoolPath) : undefined;
      if (part.kind !== 'text' || whole === undefined) this.parts.push(part);
      else await this.#addSplit(part, whole, remaining);
    }
    return this;
  }

  async #addSplit(part: OutputPart & { kind: 'text' }, whole: string, most: number): Promise<void> {
    const pieces = await splitTextTables(whole, most);
    if (!pieces.some((piece) => piece.kind === 'table')) this.parts.push(part);
    else
      for (const piece of pieces) {
        if (piece.kind === 'table') await this.#addTable(piece.table, piece.text, part.path);
        else if (piece.text !== '') this.parts.push({ ...part, text: await boundText(piece.text) });
      }
  }

  async #addForm(form: ShownForm, textSource: 'result' | 'pager'): Promise<void> {
    switch (form.kind) {
      case 'text':
        await this.addText(textSource, form.text);
        return;
      case 'image':
        return this.#addImage(form.mime, form.bytes, form.alt);
      case 'svg': {
        const png = await rasteriseSvg(form.source, this.#folder.path);
        if (png !== undefined) await this.#addImage('image/png', png, form.alt);
        return this.#addFile('image.svg', 'image/svg+xml', form.source);
      }
      case 'table':
        return this.#addTable(form.table, form.text, await this.#keepText('results', form.text));
      case 'file':
        return this.#addFile(form.filename, form.mime, form.content);
    }
  }

  async #addImage(mime: keyof typeof extensions, bytes: Buffer, alt: string): Promise<void> {
    const path = await this.#keep(`image.${extensions[mime]}`, bytes);
    if (path !== undefined) this.parts.push({ kind: 'image', mime, path, alt: alt.slice(0, ALT_CHARS) });
  }

  async #addFile(filename: string, mime: string, content: string | Buffer): Promise<void> {
    const path = await this.#keep(filename, content);
    if (path !== undefined) this.parts.push({ kind: 'attachment', filename, path, mime });
  }

  async #addTable(table: Table, text: string, path: string | undefined): Promise<void> {
    this.parts.push({
      kind: 'table',
      ...table,
      columns: table.columns.map((name, at) =>
        name.slice(0, at < TABLE_COLUMNS_KEPT ? CELL_CHARS_KEPT : NAME_CHARS_KEPT),
      ),
      rows: firstRows(table),
      sentRows: await sentRowsOf(table),
      csvPath: await this.#keep('table.csv', await csvOf(table)),
      text: await boundText(text),
      path,
    });
  }

  async #keep(name: string, content: string | Buffer): Promise<string | undefined> {
    const path = await this.#folder.write(name, content);
    if (path !== undefined) this.files.push(path);
    return path;
  }

  /**
   * Writes a text, and returns the path of the file into which all texts of this kind will be joined; undefined if it
   * is not kept.
   */
  async #keepText(kind: TextKind, written: string): Promise<string | undefined> {
    if (written === '') return undefined;
    const path = await this.#folder.write(TEXT_FILES[kind], await withoutColours(written));
    if (path !== undefined) this.texts.push(path);
    return path === undefined ? undefined : this.#folder.at(TEXT_FILES[kind]);
  }
}

/** Undefined if it is incomplete or too long to be searched. */
async function wholeTextOf(
  { text, spooled }: { text: BoundedText; spooled?: SpoolRange },
  spoolPath: string | undefined,
): Promise<string | undefined> {
  if (text.hiddenChars === 0) return text.head + text.tail;
  if (spooled === undefined || spoolPath === undefined) return undefined;
  if (spooled.to - spooled.from > SEARCHED_BYTES) return undefined;
  const chunks: Buffer[] = [];
  const range = { start: spooled.from, end: spooled.to - 1 };
  try {
    for await (const chunk of createReadStream(spoolPath, range)) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString();
}

function firstRows(table: Table): string[][] {
  const rows: string[][] = [];
  let chars = 0;
  for (const row of table.rows.slice(0, TABLE_ROWS_KEPT)) {
    const cells = row.slice(0, TABLE_COLUMNS_KEPT).map((cell) => cell.slice(0, CELL_CHARS_KEPT));
    chars += cells.reduce((sum, cell) => sum + cell.length, 0);
    if (chars > TABLE_CHARS_KEPT && rows.length > 0) break;
    rows.push(cells);
  }
  return rows;
}

async function sentRowsOf({ rows }: Table): Promise<number> {
  let sent = 0;
  for (const row of rows) {
    if (!hasTime()) await giveTurn();
    if (!isGap(row)) sent += 1;
  }
  return sent;
}

async function csvOf({ columns, rows }: Table): Promise<string> {
  const lines = [stringify([columns])];
  for (const row of rows) {
    lines.push(stringify([row]));
    await giveTurn();
  }
  return lines.join('');
}
