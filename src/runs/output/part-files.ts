import { appendFileSync, createReadStream } from 'node:fs';
import { appendFile, readdir, rm, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import stripAnsi from 'strip-ansi';
import type { MimeBundle } from '../../gateway/outputs.ts';
import type { ReadError } from './errors/kernel-error.ts';
import { FoldedText } from './folded-text.ts';
import type { BoundedText, OutputPart, SpoolRange, TextSource } from './output-view.ts';
import { rasteriseSvg } from './rich/rasterise-svg.ts';
import { readBundle, type Shown } from './rich/read-bundle.ts';
import { isGap, type Table } from './rich/read-html-table.ts';
import { splitTextTables } from './rich/split-text-tables.ts';
import type { RunFolder } from './run-folder.ts';

/** Rows of a table that are held in memory; all of them stand in its CSV. */
const tableRowsKept = 100;

/** Longer texts are not looked through for tables: they would have to be held whole, and nobody else had a turn. */
const maxLookedThroughBytes = 2_000_000;
/** Rows of a CSV that are written before others get their turn. */
const csvRowsPerTurn = 1_000;

/** So much is written at once: for little, a thread's way there and back takes longer than the disk. */
const atOnceBytes = 65_536;

/** Files that several parts of a run share. */
const resultsFile = 'results.txt';
const tracebackFile = 'traceback.txt';
const pieceChars = 1_000_000;

const extensions = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' } as const;

/** Makes parts of what a kernel shows, and keeps in files what is too long or no text. */
export class PartFiles {
  readonly #folder: RunFolder;
  readonly #maxBytes: number;
  readonly #onRefused: (error: unknown) => void;
  /** Sizes of the files that are there. */
  #sizes = new Map<string, number>();
  #count = 0;
  limited = false;

  /** `onRefused` is told when the disk takes no more; parts then go without their files. */
  constructor(folder: RunFolder, maxBytes: number, onRefused: (error: unknown) => void) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#onRefused = onRefused;
  }

  /** After a crash: takes the files that are there into account. */
  async recount(): Promise<void> {
    for (const name of await readdir(this.#folder.path)) {
      if (name !== resultsFile && name !== tracebackFile && !/^\d+-/.test(name)) continue;
      this.#count = Math.max(this.#count, Number.parseInt(name, 10) || 0);
      this.#sizes.set(this.#folder.at(name), (await stat(this.#folder.at(name))).size);
    }
  }

  async keepBundle(data: MimeBundle): Promise<OutputPart[]> {
    const parts: OutputPart[] = [];
    for (const shown of await readBundle(data)) parts.push(...(await this.#keepShown(shown)));
    return parts;
  }

  async keepPage(data: MimeBundle): Promise<OutputPart[]> {
    const parts: OutputPart[] = [];
    for (const shown of await readBundle(data)) {
      parts.push(
        ...(shown.kind === 'text' ? await this.keepText('pager', shown.text) : await this.#keepShown(shown)),
      );
    }
    return parts;
  }

  async keepError(error: ReadError): Promise<OutputPart[]> {
    const path = await this.#share(tracebackFile, error.whole);
    const traceback = await foldText(error.traceback);
    return [
      {
        kind: 'error',
        headline: error.headline,
        userLine: error.userLine,
        traceback,
        isFolded: error.isFolded,
        path,
        hint: error.hint,
      },
    ];
  }

  /** The text as a part; whole it stands with all other such texts of the run in one file. */
  async keepText(source: TextSource, written: string): Promise<OutputPart[]> {
    if (written === '') return [];
    const text = await foldText(written);
    const part = { kind: 'text' as const, source, text, path: await this.#keepResult(written) };
    const isLookedThrough = text.hiddenChars > 0 && written.length <= maxLookedThroughBytes;
    return isLookedThrough ? this.#splitText(part, written) : [part];
  }

  async #keepResult(written: string): Promise<string | undefined> {
    return this.#share(resultsFile, await withoutColours(written));
  }

  #share(name: string, text: string): Promise<string | undefined> {
    const isFirst = !this.#sizes.has(this.#folder.at(name));
    return this.#append(name, Buffer.from(isFirst ? text : `\n${text}`));
  }

  /** Text parts with the tables in them taken out. `spoolPath` is where the streams stand, all that came until now. */
  async splitTables(part: OutputPart, spoolPath: string | undefined): Promise<OutputPart[]> {
    if (part.kind !== 'text') return [part];
    if (part.text.hiddenChars === 0) return this.#splitText(part, part.text.head + part.text.tail);
    const { spooled } = part;
    if (spooled === undefined || spoolPath === undefined) return [part];
    if (spooled.to - spooled.from > maxLookedThroughBytes) return [part];
    const whole = await readRange(spoolPath, spooled);
    return whole === undefined ? [part] : this.#splitText(part, whole);
  }

  async #splitText(part: OutputPart & { kind: 'text' }, whole: string): Promise<OutputPart[]> {
    const pieces = splitTextTables(whole);
    if (!pieces.some((piece) => piece.kind === 'table')) return [part];
    const parts: OutputPart[] = [];
    for (const piece of pieces) {
      if (piece.kind === 'table') parts.push(await this.#keepTable(piece.table, piece.text));
      else if (piece.text !== '') parts.push({ ...part, text: await foldText(piece.text) });
    }
    return parts;
  }

  /** Deletes the files that parts which are not shown any more have for themselves. */
  async forget(parts: readonly OutputPart[]): Promise<void> {
    for (const part of parts) {
      if (part.kind === 'text' || part.kind === 'error') continue;
      const path = part.kind === 'table' ? part.csvPath : part.path;
      if (path === undefined || !this.#sizes.delete(path)) continue;
      await rm(path, { force: true });
    }
  }

  async #keepShown(shown: Shown): Promise<OutputPart[]> {
    switch (shown.kind) {
      case 'text':
        return this.keepText('result', shown.text);
      case 'image': {
        const path = await this.#write(`image.${extensions[shown.mime]}`, shown.bytes);
        return path === undefined ? [] : [{ kind: 'image', mime: shown.mime, path, alt: shown.alt }];
      }
      case 'svg':
        return this.#keepSvg(shown.source, shown.alt);
      case 'table':
        return [await this.#keepTable(shown.table, shown.text)];
      case 'file': {
        const path = await this.#write(shown.filename, shown.content);
        if (path === undefined) return [];
        return [{ kind: 'attachment', filename: shown.filename, path, mime: shown.mime }];
      }
    }
  }

  async #keepSvg(source: string, alt: string): Promise<OutputPart[]> {
    const parts: OutputPart[] = [];
    const png = await rasteriseSvg(source);
    const picture = png === undefined ? undefined : await this.#write('image.png', png);
    if (picture !== undefined) parts.push({ kind: 'image', mime: 'image/png', path: picture, alt });
    const path = await this.#write('image.svg', source);
    if (path !== undefined)
      parts.push({ kind: 'attachment', filename: 'image.svg', path, mime: 'image/svg+xml' });
    return parts;
  }

  async #keepTable(table: Table, text: string): Promise<OutputPart> {
    return {
      kind: 'table',
      columns: table.columns,
      rows: table.rows.slice(0, tableRowsKept),
      sentRows: table.rows.filter((row) => !isGap(row)).length,
      totalRows: table.totalRows,
      totalColumns: table.totalColumns,
      note: table.note,
      csvPath: await this.#write('table.csv', await csvOf(table)),
      text: await foldText(text),
    };
  }

  /** The path of a new file; undefined when there is no room for it. */
  #write(name: string, content: string | Buffer): Promise<string | undefined> {
    this.#count += 1;
    return this.#append(`${this.#count}-${name}`, Buffer.from(content));
  }

  async #append(name: string, bytes: Buffer): Promise<string | undefined> {
    const held = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    this.limited ||= held + bytes.length > this.#maxBytes;
    if (held + bytes.length > this.#maxBytes) return undefined;
    const path = this.#folder.at(name);
    try {
      this.#folder.make();
      if (bytes.length <= atOnceBytes) appendFileSync(path, bytes);
      else await appendFile(path, bytes);
    } catch (error) {
      this.#onRefused(error);
      return undefined;
    }
    this.#sizes.set(path, (this.#sizes.get(path) ?? 0) + bytes.length);
    return path;
  }
}

/** Undefined where the disk does not give it back. */
async function readRange(path: string, { from, to }: SpoolRange): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { start: from, end: to - 1 })) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString();
}

/** Long texts are folded in pieces, so that others get their turn in between. */
async function foldText(written: string): Promise<BoundedText> {
  const folded = new FoldedText();
  for (let at = 0; at < written.length; at += pieceChars) {
    if (at > 0) await nextTurn();
    folded.write(written.slice(at, at + pieceChars));
  }
  return folded.view();
}

/** Line by line, as no control sequence goes over its end. */
async function withoutColours(written: string): Promise<string> {
  if (!written.includes('\u001b') && !written.includes('\u009b')) return written;
  let plain = '';
  for (let at = 0; at < written.length;) {
    const end = written.indexOf('\n', at + pieceChars) + 1 || written.length;
    plain += stripAnsi(written.slice(at, end));
    at = end;
    await nextTurn();
  }
  return plain;
}

async function csvOf({ columns, rows }: Table): Promise<string> {
  let csv = stringify([columns]);
  for (let at = 0; at < rows.length; at += csvRowsPerTurn) {
    csv += stringify(rows.slice(at, at + csvRowsPerTurn));
    await nextTurn();
  }
  return csv;
}
