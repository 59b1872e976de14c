import { createReadStream } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stringify } from 'csv-stringify/sync';
import stripAnsi from 'strip-ansi';
import type { MimeBundle } from '../../gateway/outputs.ts';
import type { ReadError } from '../errors/kernel-error.ts';
import { FoldedText } from '../terminal/terminal-text.ts';
import type { KeptFiles } from './stored-files.ts';
import type { BoundedText, OutputPart, SpoolRange, TextSource } from '../output-view.ts';
import type { KeptText } from './shared-text.ts';
import { rasteriseSvg } from '../mime/rasterise-svg.ts';
import { readBundle, type Shown } from '../mime/read-bundle.ts';
import { isGap, type Table } from '../mime/html-table.ts';
import { splitTextTables, tablesShown } from '../mime/text-tables.ts';

/** Rows of a table that are held in memory; all of them stand in its CSV. */
const tableRowsKept = 100;

/** Longer texts are not looked through for tables: they would have to be held whole, and nobody else had a turn. */
const maxLookedThroughBytes = 2_000_000;
/** Rows of a CSV that are written before others get their turn. */
const csvRowsPerTurn = 1_000;

/** A cell of a table that is held in memory: more than Slack shows of one. */
const cellCharsKept = 1_000;
/** Slack takes no more to describe a picture. */
const altChars = 1_000;

const pieceChars = 100_000;

const extensions = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif' } as const;

/** Makes parts of what a kernel shows, and keeps in files what is too long or no text. */
export class PartFiles {
  readonly #kept: KeptFiles;

  constructor(kept: KeptFiles) {
    this.#kept = kept;
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
    const kept = await this.#kept.share('tracebacks', error.whole);
    const traceback = await foldText(error.traceback);
    return [
      {
        kind: 'error',
        headline: error.headline,
        userLine: error.userLine,
        cause: error.cause,
        traceback,
        isFolded: error.isFolded,
        path: kept?.path,
        kept: kept?.kept,
        hint: error.hint,
      },
    ];
  }

  /** The text as a part; whole it stands with all other such texts of the run in one file. */
  async keepText(source: TextSource, written: string): Promise<OutputPart[]> {
    if (written === '') return [];
    const text = await foldText(written);
    const kept = await this.#keepWhole(written);
    const part = { kind: 'text' as const, source, text, path: kept?.path, kept: kept?.kept };
    const isLookedThrough = text.hiddenChars > 0 && written.length <= maxLookedThroughBytes;
    if (!isLookedThrough) return [part];
    return this.#splitText(part, written, tablesShown);
  }

  async #keepWhole(written: string): Promise<KeptText | undefined> {
    return written === '' ? undefined : this.#kept.share('results', await withoutColours(written));
  }

  /**
   * Parts as they are at the end: the tables in texts are tables, `most` of them at most; what is more stays text.
   * `spoolPath` is where the streams stand, all that came until now.
   */
  async lastForm(
    parts: readonly OutputPart[],
    spoolPath: string | undefined,
    most: number,
  ): Promise<OutputPart[]> {
    const formed: OutputPart[] = [];
    for (const part of parts) {
      const left = most - formed.filter(({ kind }) => kind === 'table').length;
      if (part.kind === 'table' && left <= 0) formed.push(asText(part));
      else formed.push(...(left > 0 ? await this.#splitTables(part, spoolPath, left) : [part]));
    }
    return formed;
  }

  async #splitTables(part: OutputPart, spoolPath: string | undefined, most: number): Promise<OutputPart[]> {
    if (part.kind !== 'text') return [part];
    if (part.text.hiddenChars === 0) return this.#splitText(part, part.text.head + part.text.tail, most);
    const { spooled } = part;
    if (spooled === undefined || spoolPath === undefined) return [part];
    if (spooled.to - spooled.from > maxLookedThroughBytes) return [part];
    const whole = await readRange(spoolPath, spooled);
    return whole === undefined ? [part] : this.#splitText(part, whole, most);
  }

  async #splitText(part: OutputPart & { kind: 'text' }, whole: string, most: number): Promise<OutputPart[]> {
    const pieces = splitTextTables(whole, most);
    if (!pieces.some((piece) => piece.kind === 'table')) return [part];
    const parts: OutputPart[] = [];
    for (const piece of pieces) {
      if (piece.kind === 'table') {
        const { path, kept } = part;
        parts.push({ ...(await this.#keepTable(piece.table, piece.text)), path, kept });
      } else if (piece.text !== '') parts.push({ ...part, text: await foldText(piece.text) });
    }
    return parts;
  }

  async #keepShown(shown: Shown): Promise<OutputPart[]> {
    switch (shown.kind) {
      case 'text':
        return this.keepText('result', shown.text);
      case 'image': {
        const path = await this.#kept.write(`image.${extensions[shown.mime]}`, shown.bytes);
        const alt = shown.alt.slice(0, altChars);
        return path === undefined ? [] : [{ kind: 'image', mime: shown.mime, path, alt }];
      }
      case 'svg':
        return this.#keepSvg(shown.source, shown.alt);
      case 'table':
        return [
          { ...(await this.#keepTable(shown.table, shown.text)), ...(await this.#keepWhole(shown.text)) },
        ];
      case 'file': {
        const path = await this.#kept.write(shown.filename, shown.content);
        if (path === undefined) return [];
        return [{ kind: 'attachment', filename: shown.filename, path, mime: shown.mime }];
      }
    }
  }

  async #keepSvg(source: string, alt: string): Promise<OutputPart[]> {
    const parts: OutputPart[] = [];
    const png = await rasteriseSvg(source);
    const picture = png === undefined ? undefined : await this.#kept.write('image.png', png);
    if (picture !== undefined)
      parts.push({ kind: 'image', mime: 'image/png', path: picture, alt: alt.slice(0, altChars) });
    const path = await this.#kept.write('image.svg', source);
    if (path !== undefined)
      parts.push({ kind: 'attachment', filename: 'image.svg', path, mime: 'image/svg+xml' });
    return parts;
  }

  async #keepTable(table: Table, text: string): Promise<OutputPart & { kind: 'table' }> {
    return {
      kind: 'table',
      columns: table.columns,
      rows: table.rows.slice(0, tableRowsKept).map((row) => row.map((cell) => cell.slice(0, cellCharsKept))),
      sentRows: table.rows.filter((row) => !isGap(row)).length,
      totalRows: table.totalRows,
      totalColumns: table.totalColumns,
      note: table.note,
      csvPath: await this.#kept.write('table.csv', await csvOf(table)),
      text: await foldText(text),
    };
  }
}

function asText({ text, path, kept }: OutputPart & { kind: 'table' }): OutputPart {
  return { kind: 'text', source: 'result', text, path, kept };
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
