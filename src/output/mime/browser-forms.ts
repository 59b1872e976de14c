import type { Handler } from 'htmlparser2';
import { z } from 'zod';
import type { MimeBundle } from '../../gateway/outputs.ts';
import { parseJson } from '../../text.ts';
import type { ImageMime } from '../output-view.ts';
import type { Table } from './html-table.ts';
import { readHtml, silentTags } from './html-text.ts';

/** The forms in which a mime bundle is shown, in order. */
export type ShownForm =
  | { kind: 'text'; text: string }
  | { kind: 'image'; mime: ImageMime; bytes: Buffer; alt: string }
  | { kind: 'svg'; source: string; alt: string }
  | { kind: 'table'; table: Table; text: string }
  | { kind: 'file'; filename: string; mime: string; content: string | Buffer };

/** The parts of a bundle that only a browser can draw, run or play. Regular expressions only get bounded text. */

/** How much of HTML is searched for scripts, and of a script at each end. */
export const READ_CHARS = 2_000_000;
/** Loaders of libraries, and what is visible before their scripts run, are not larger. */
const LOADER_CHARS = 10_000_000;
const SEEN_CHARS = 100_000;
/** How much of the start of a page is examined. */
const HEAD_CHARS = 20_000;
/** An object's repr is not longer. */
const OBJECT_CHARS = 2_000;

/**
 * Whether it is something that a library adds to the page before it draws (scripts, styles, a logo) or the empty
 * element that it will draw in; nobody misses it here. It has a mime type of its own (`…_load.v0+json`), consists only
 * of script, or is HTML with nothing visible.
 */
export async function isLoader(data: MimeBundle): Promise<boolean> {
  const mimes = Object.keys(data);
  if (mimes.some((mime) => /^application\/vnd\.\w{1,40}_load\.v\d\+json$/.test(mime))) return true;
  const others = mimes.filter((mime) => mime !== 'application/javascript' && mime !== 'text/plain');
  if (mimes.includes('application/javascript') && others.length === 0) return true;
  const { 'text/html': html, 'text/plain': plain } = data;
  // The repr of an object means that there is something to be seen.
  if (typeof html !== 'string' || (typeof plain === 'string' && !/^<[^\n]*>$|^$/.test(plain.trim())))
    return false;
  // Script that belongs to a drawing comes with the repr of the object drawn.
  const isExecuted = mimes.some((mime) => /^application\/vnd\.\w{1,40}_exec\.v\d\+json$/.test(mime));
  if (isExecuted && plain === undefined) return true;
  if (html.length > LOADER_CHARS) return false;
  const start = await readStart(html);
  if (start === undefined) return false;
  return LOADING.test(start.words) || start.isPlace || (start.isEmpty && start.hasScripts);
}

/** What Bokeh and HoloViews show while they load. */
const LOADING = /^(?:Loading BokehJS|BokehJS [\d.]{1,20} successfully loaded|ⓘ$)/;
/** Elements that show something or are drawn into. */
const SHOWING = new Set('canvas svg img iframe video audio object embed table form'.split(' '));
/** Text for browsers without scripts is about scripts. */
const UNSEEN = new Set(['script', 'style', 'noscript']);

/** What a page contains before its scripts run; undefined if that is much or nested too deeply. */
async function readStart(html: string) {
  let words = '';
  let hasScripts = false;
  let isShowing = false;
  let elements = 0;
  let places = 0;
  let chars = 0;
  let silent = 0;
  let unseen = 0;
  const handler: Partial<Handler> = {
    onattribute(name, value) {
      chars += name.length + value.length;
    },
    onopentag(name, attributes) {
      chars += name.length;
      if (silentTags.has(name)) silent += 1;
      if (UNSEEN.has(name)) unseen += 1;
      if (unseen > 0) {
        hasScripts = true;
        return;
      }
      elements += 1;
      // Bokeh or Matplotlib (`%matplotlib notebook`) will draw here.
      const isPlace = 'data-root-id' in attributes || Object.keys(attributes).join() === 'id';
      if (name === 'div' && isPlace) places += 1;
      if (SHOWING.has(name) || (name === 'div' && 'id' in attributes)) isShowing = true;
    },
    ontext(text) {
      if (silent > 0) return;
      chars += text.length;
      words += text;
    },
    onclosetag(name) {
      if (silentTags.has(name)) silent -= 1;
      if (UNSEEN.has(name)) unseen -= 1;
    },
  };
  if (!(await readHtml(html, handler, () => chars > SEEN_CHARS))) return undefined;
  words = words.trim();
  // The script that draws there comes in another message.
  const isPlace = words === '' && places > 0 && places === elements && !isScripted(html);
  return { words, hasScripts, isPlace, isEmpty: words === '' && !isShowing && places === 0 };
}

/** Whether HTML draws by script, so that its content is not in its text. */
export function isScripted(html: string): boolean {
  return /<script\b/i.test(html.slice(0, READ_CHARS));
}

/** Whether it is scikit-learn's diagram of a model, whose repr says what a chat can show. */
export function isModel(html: string): boolean {
  return html.includes('class="sk-text-repr-fallback"');
}

/** The data of a table of ITables is about 64 kB, unless somebody has allowed more. */
const FILLED_CHARS = 300_000;

/**
 * A table of ITables (2.4 and later) as HTML with the rows that its script would put in place of its loading words; any
 * other HTML as it is.
 */
export function filledTable(html: string | undefined): string | undefined {
  if (html === undefined || html.length > FILLED_CHARS) return html;
  if (!/<table id="itables_/.test(html.slice(0, HEAD_CHARS))) return html;
  const told = (name: string): string => {
    const at = html.indexOf(`"${name}": "`);
    const string = /"(?:[^"\\]|\\.)*"/y;
    string.lastIndex = at + name.length + 4;
    const value = at === -1 ? undefined : parseJson(string.exec(html)?.[0] ?? '');
    return typeof value === 'string' ? value : '';
  };
  const rows = z.array(z.array(z.unknown())).safeParse(parseJson(told('data_json'))).data;
  if (rows === undefined) return html;
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cellOf(cell)}</td>`).join('')}</tr>`);
  const table = `${told('table_html').replace('</table>', '')}<tbody>${body.join('')}</tbody></table>`;
  const total = /from ([\d,]{1,20}) rows/.exec(told('downsampling_warning'))?.[1];
  return total === undefined ? table : `${table}<p>${total} rows × ${rows[0]?.length ?? 0} columns</p>`;
}

/** The text of a cell, which may stand beside the value to sort by; numbers that JSON does not have are words. */
function cellOf(cell: unknown): string {
  const shown: unknown = Array.isArray(cell) ? cell[0] : cell;
  const isText = typeof shown === 'string' || typeof shown === 'number' || typeof shown === 'boolean';
  return isText ? String(shown).replace(/^___(.*)___$/, '$1') : '';
}

/**
 * Whether it is the repr of an object that a browser would draw, which says nothing beside the drawing:
 * `alt.Chart(...)`, `Figure({…`, `Row(id='1001', …)`, `:Curve [x] (y)`, `<…>`.
 */
export function isObjectWord(plain: string): boolean {
  const word = plain.trim();
  if (word.length > OBJECT_CHARS) return /^[\w.]{1,100}\(/.test(word);
  return /^<[^\n]*>$|^:\w|^[\w.]{1,100}\([^]*\)$/.test(word);
}

/** File endings of media types that have another name. */
const ENDINGS = new Map([
  ['wave', 'wav'],
  ['mpeg', 'mp3'],
  ['quicktime', 'mov'],
]);

/** Audio and video contained in the bundle, as files that Slack plays. */
export function mediaFiles(data: MimeBundle): ShownForm[] {
  const own = Object.entries(data).flatMap(([mime, value]) => mediaFile(mime, value));
  if (own.length > 0) return own;
  const html = data['text/html'];
  if (typeof html !== 'string' || !/<(?:audio|video)\b/i.test(html.slice(0, HEAD_CHARS))) return [];
  const held = dataIn(html, /data:(?:audio|video)\/[\w.+-]{1,40};base64,/);
  return held === undefined ? [] : mediaFile(held.mime, held.value);
}

/** A picture embedded in HTML, and the HTML without it. */
export function pictureIn(html: string): { bytes: Buffer; rest: string } | undefined {
  const { value, from } = dataIn(html, /data:image\/(?:png|jpeg|gif);base64,/) ?? {};
  if (value === undefined || from === undefined) return undefined;
  return { bytes: Buffer.from(value, 'base64'), rest: html.slice(0, from) + html.slice(from + value.length) };
}

/** The first `data:` URL of this kind in an attribute: its type, the data after the comma, and where that begins. */
function dataIn(html: string, kind: RegExp): { mime: string; value: string; from: number } | undefined {
  const at = html.slice(0, HEAD_CHARS).search(kind);
  if (at === -1) return undefined;
  const mime = html.slice(at + 'data:'.length, html.indexOf(';', at));
  const [before, from] = [html.charAt(at - 1), html.indexOf(',', at) + 1];
  const value = html.slice(from);
  const end = before === '"' || before === "'" ? value.indexOf(before) : value.search(/[\s>]/);
  return { mime, from, value: end === -1 ? value : value.slice(0, end) };
}

function mediaFile(mime: string, value: unknown): ShownForm[] {
  const [, kind, name] = /^(audio|video)\/([\w.+-]{1,40})$/.exec(mime) ?? [];
  if (kind === undefined || name === undefined || typeof value !== 'string') return [];
  const content = Buffer.from(value, 'base64');
  if (content.length === 0) return [];
  const ending = kind === 'audio' && name === 'mp4' ? 'm4a' : (ENDINGS.get(name) ?? name.replace(/^x-/, ''));
  return [{ kind: 'file', filename: `${kind}.${ending}`, mime, content }];
}

/** The URL in HTML that only refers to it: `Image(url=…)`, `YouTubeVideo(…)`, `IFrame(…)`. Undefined for long HTML. */
export function pointedAddress(html: string): string | undefined {
  if (html.length > HEAD_CHARS) return undefined;
  const [, address] =
    /<(?:img|iframe|video|audio|source)\b[^>]{0,2000}?\bsrc\s?=\s?["'](https?:\/\/[^"'\s]{1,1500})["']/i.exec(
      html,
    ) ?? [];
  return address;
}
