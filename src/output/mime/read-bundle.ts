import type { MimeBundle } from '../../gateway/outputs.ts';
import { TOREES_WORD } from '../errors/spark-error.ts';
import type { ImageMime } from '../output-view.ts';
import {
  filledTable,
  isLoader,
  isModel,
  isObjectWord,
  isScripted,
  mediaFiles,
  pictureIn,
  pointedAddress,
  type ShownForm,
} from './browser-forms.ts';
import { bokehPage, isChart, vendorFiles } from './charts.ts';
import { isAboutSize, readHtmlTable, type Table } from './html-table.ts';
import { htmlAsText, MAX_PARSED_CHARS } from './html-text.ts';
import { jsonText } from './json-text.ts';
import { readSparkTable, SPARK_TABLE_MIME } from './spark-tables.ts';

/** Tables are read in turns; longer ones would take too much memory. */
const MAX_TABLE_CHARS = 2_000_000;
/** A caption is searched within this many characters of its table's beginning. */
const CAPTION_CHARS = 2_000;
/** Mime types and reprs of objects are not longer. */
const MIME_CHARS = 200;
const OBJECT_CHARS = 500;
const FRAMED_CHARS = 5_000;
/** If there are more lines around a table, its size is not searched in them. */
const BESIDE_LINES = 1_000;
/** A number, or a collection of numbers. */
const NUMBERS = /^[\d\s.,:e+()[\]{}-]{1,500}$/;
/** How many of the mime types that cannot be shown are named. */
const FORMS_NAMED = 10;

/** The first bytes of pictures, in hexadecimal. */
const beginnings: readonly [ImageMime, string][] = [
  ['image/png', '89504e470d0a1a0a'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '47494638'],
];
/** Pictures and pages that Slack cannot show in a message but accepts as files. */
const binaryFiles: Readonly<Record<string, string>> = {
  'application/pdf': 'output.pdf',
  'image/webp': 'image.webp',
  'image/bmp': 'image.bmp',
  'image/tiff': 'image.tiff',
};

/**
 * The best form that a chat can show (protocol.md §4): picture, table or text. Markup is shown as its source or its
 * text, with the source as a file if it says more; HTML and scripts are never passed on. IRkernel sends five forms of
 * every value, of which `text/plain` is the right one.
 */
export async function readBundle(sent: MimeBundle): Promise<ShownForm[]> {
  const data = Object.fromEntries(Object.entries(sent).filter(([mime]) => mime.length <= MIME_CHARS));
  const text = (mime: string): string | undefined => {
    const value = typeof data[mime] === 'number' ? String(data[mime]) : data[mime];
    return typeof value === 'string' && value.trim() !== '' ? value : undefined;
  };
  const plain = withoutToreesWord(text('text/plain'));
  const ours = await readSparkTable(data[SPARK_TABLE_MIME]);
  if (ours !== undefined) return [ours];
  if (isToreesError(plain)) return [];
  const html = filledTable(text('text/html'));
  if (await isLoader(data)) return [];
  const played = [...mediaFiles(data), ...bokehPage(data)];
  if (played.length > 0) return played;
  // Beside something that a browser would draw, the repr of the object says nothing.
  const isDrawn = isChart(data) || (html !== undefined && isScripted(html) && !isModel(html));
  const isWord = plain !== undefined && (isReprAlone(plain) || (isDrawn && isObjectWord(plain)));
  const words = isWord ? undefined : plain;
  // SymPy draws numbers as formulas, too.
  if (words !== undefined && text('text/latex') !== undefined && NUMBERS.test(words))
    return [{ kind: 'text', text: words }];
  const alt = words ?? 'image';
  for (const [declared] of beginnings) {
    const bytes = Buffer.from(text(declared) ?? '', 'base64');
    const mime = imageMime(bytes);
    if (mime !== undefined) return [{ kind: 'image', mime, bytes, alt }];
  }
  const svg = text('image/svg+xml');
  if (svg !== undefined) return [{ kind: 'svg', source: svg, alt }];
  // A table that a script fills has no rows yet.
  const isFilled = html !== undefined && (words === undefined || !isScripted(html));
  const table =
    html === undefined || !isFilled || html.length > MAX_TABLE_CHARS ? undefined : await readHtmlTable(html);
  if (table !== undefined && html !== undefined) return await showTable(table, html, words);
  if (words !== undefined)
    return [
      { kind: 'text', text: words },
      ...(html !== undefined && html.length > MAX_PARSED_CHARS && !isScripted(html) ? [htmlFile(html)] : []),
      ...(isChart(data) ? await vendorFiles(data) : []),
    ];
  const source = html === undefined ? text(otherText(data)) : undefined;
  const markup = text('text/markdown') ?? (await jsonText(jsonOf(data))) ?? text('text/latex') ?? source;
  if (markup !== undefined) return [{ kind: 'text', text: markup }];
  if (html !== undefined) return (await showPicture(html)) ?? (await showHtml(html, data));
  const files = [...(await vendorFiles(data)), ...filesOf(data)];
  if (plain === undefined) return files.length > 0 ? files : otherForms(data);
  // an object that is shown as nothing, like HTML('') in place of a finished progress bar
  const isBlank = Object.entries(data).some(
    ([mime, value]) => mime !== 'text/plain' && isBlankText(mime, value),
  );
  return files.length > 0 || isBlank ? files : [{ kind: 'text', text: plain }];
}

/** Removes a line that Toree sends before an error, and after one in front of the next definition. */
function withoutToreesWord(plain: string | undefined): string | undefined {
  return plain?.startsWith(`${TOREES_WORD}\n`) === true ? plain.slice(TOREES_WORD.length + 1) : plain;
}

/** Old versions of Toree send each error also as a result. */
function isToreesError(plain: string | undefined): boolean {
  const start = plain?.slice(0, 200_000) ?? '';
  return (
    plain === '' || start.trim() === TOREES_WORD || /^Name: [^\n]*\nMessage: [^]*\nStackTrace:/.test(start)
  );
}

function imageMime(bytes: Buffer): ImageMime | undefined {
  const begin = bytes.subarray(0, 8).toString('hex');
  return beginnings.find(([, signature]) => begin.startsWith(signature))?.[0];
}

function isBlankText(mime: string, value: unknown): boolean {
  return mime.startsWith('text/') && typeof value === 'string' && value.trim() === '';
}

/** The JSON value, also of a type like `application/geo+json`. */
function jsonOf(data: MimeBundle): unknown {
  const mime = Object.keys(data).find((each) => /^application\/((?!vnd\.)[\w.-]+\+)?json$/.test(each));
  return mime === undefined ? undefined : data[mime];
}

/** The mime type of readable text: CSV, YAML, a program. */
function otherText(data: MimeBundle): string {
  return Object.keys(data).find((mime) => /^text\/(?!html|plain|css|.*script)/.test(mime)) ?? '';
}

function filesOf(data: MimeBundle): ShownForm[] {
  return Object.entries(binaryFiles).flatMap(([mime, filename]): ShownForm[] => {
    const base64 = data[mime];
    const content = Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');
    return content.length === 0 ? [] : [{ kind: 'file', filename, mime, content }];
  });
}

/**
 * Whether it is only a repr that says nothing beside another form: `<IPython.core.display.HTML object>`, `<Figure size
 * 640x480 with 1 Axes>`, or the replacement text of Altair and R's widgets.
 */
function isReprAlone(plain: string): boolean {
  if (plain.startsWith('HTML widgets cannot be represented in plain text')) return true;
  if (plain.length > OBJECT_CHARS) return false;
  return (
    /^<([\w.]|<locals>)+( object)?( at 0x[\da-fA-F]+)?>$/.test(plain) ||
    /^<Figure size [^>]*>$/.test(plain) ||
    /^<Vega(Lite)? \d+ object>/.test(plain)
  );
}

/** Shows a table with the text around it; scripts, pictures and links are only in the file. */
async function showTable(table: Table, html: string, words: string | undefined): Promise<ShownForm[]> {
  const start = html.search(/<table/i);
  const last = Math.max(html.lastIndexOf('</table>'), html.lastIndexOf('</TABLE>'));
  const end = last === -1 ? html.length : last;
  const caption =
    /<caption[^>]*>([^]*?)<\/caption>/i.exec(html.slice(start, start + CAPTION_CHARS))?.[1] ?? '';
  const [before, after] = [
    await besideTable(`${html.slice(0, start)}<p>${caption}`),
    await besideTable(html.slice(end)),
  ];
  const isMore = /<(script|img|a|iframe|canvas|svg|video|audio|form)\b/i.test(html);
  return [
    ...before,
    { kind: 'table', table, text: words ?? (await htmlAsText(html)) ?? '' },
    ...after,
    ...(isMore ? [htmlFile(html)] : []),
  ];
}

async function besideTable(html: string): Promise<ShownForm[]> {
  const lines = ((await htmlAsText(html)) ?? '').split('\n');
  const text = lines.filter((line) => lines.length > BESIDE_LINES || !isAboutSize(line)).join('\n');
  return text === '' ? [] : [{ kind: 'text', text }];
}

/** Shows HTML that is only a picture; otherwise undefined. HTML that a script draws may contain one. */
async function showPicture(html: string): Promise<ShownForm[] | undefined> {
  const { bytes = Buffer.alloc(0), rest = '' } = pictureIn(html) ?? {};
  const mime = imageMime(bytes);
  if (mime === undefined || isScripted(rest) || (await htmlAsText(rest)) !== '') return undefined;
  const isAlone = rest.split(/<(?:img|a|iframe|canvas|svg|video|audio|form)\b/i, 3).length <= 2;
  return [{ kind: 'image', mime, bytes, alt: 'image' }, ...(isAlone ? [] : [htmlFile(html)])];
}

async function showHtml(html: string, data: MimeBundle): Promise<ShownForm[]> {
  // Next to an embedded page (folium's maps) is the text that a notebook shows if it does not trust the page.
  const read = /<iframe\b[^>]{0,300}?\bsrcdoc=/i.test(html.slice(0, FRAMED_CHARS))
    ? ''
    : await htmlAsText(html);
  if (read === '' && isEmptyText(html)) return [];
  const address = read === '' ? pointedAddress(html) : undefined;
  if (address !== undefined) return [{ kind: 'text', text: address }];
  const words = read ?? '';
  const isMore =
    read === undefined || /<(script|style|img|a|iframe|canvas|svg|video|audio|form|table)\b/i.test(html);
  const said: ShownForm[] = words === '' ? [] : [{ kind: 'text', text: words }];
  const charts = await vendorFiles(data);
  // The page and the chart's JSON have the same content, so only the page is attached.
  const [chart] = isScripted(html) ? charts : [];
  if (chart?.kind === 'file') return [...said, htmlFile(html, chart.filename.replace(/json$/, 'html'))];
  return [...said, ...(isMore || words === '' ? [htmlFile(html)] : []), ...charts];
}

/** Whether it consists of empty text elements, as `rich` leaves behind. */
function isEmptyText(html: string): boolean {
  return !/<(?!\/?(pre|code|p|br|span|b|i|em|strong)\b)/i.test(html);
}

function htmlFile(html: string, filename = 'output.html'): ShownForm {
  return { kind: 'file', filename, mime: 'text/html', content: html };
}

/** Names the mime types that a chat cannot show. */
function otherForms(data: MimeBundle): ShownForm[] {
  const forms = Object.keys(data).filter(
    (mime) => !/^application\/vnd\..*[+.]json$/.test(mime) && !isBlankText(mime, data[mime]),
  );
  const named = forms.slice(0, FORMS_NAMED).join(', ');
  return forms.length === 0 ? [] : [{ kind: 'text', text: `(${named}: cannot be shown here)` }];
}
