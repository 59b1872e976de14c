import { Parser } from 'htmlparser2';
import { giveTurn } from '../../gateway/event-loop.ts';
import type { MimeBundle } from '../../gateway/outputs.ts';
import type { ImageMime } from '../output-view.ts';
import type { Table } from './html-table.ts';
import { MAX_NESTING, PIECE_CHARS, silentTags } from './html-text.ts';
import { isObject } from './json-text.ts';

/** What a mime bundle is shown as, in order. */
export type ShownForm =
  | { kind: 'text'; text: string }
  | { kind: 'image'; mime: ImageMime; bytes: Buffer; alt: string }
  | { kind: 'svg'; source: string; alt: string }
  | { kind: 'table'; table: Table; text: string }
  | { kind: 'file'; filename: string; mime: string; content: string | Buffer };

/** What of a bundle only a browser can draw, run or play. All that meets a regular expression here is bounded. */

/** HTML beyond this is not looked into for a script. */
const READ_CHARS = 2_000_000;
/** No library brings more into the page, nor more that is there before its scripts run. */
const LOADER_CHARS = 10_000_000;
const SEEN_CHARS = 100_000;
/** So much of its start says what a page is for. */
const HEAD_CHARS = 20_000;
/** No word for an object is longer. */
const OBJECT_CHARS = 2_000;

/** A chart's document: its JSON says everything. */
export function isChart(data: MimeBundle): boolean {
  return Object.entries(data).some(
    ([mime, value]) =>
      /^application\/vnd\.(?:vega|plotly)\w{0,20}\.v\d.{0,20}\+json$/.test(mime) && isObject(value),
  );
}

/**
 * What a library brings into the page before it draws (its scripts, its styles, its logo), and the empty place that it
 * will draw in: nobody misses it here. Said by a mime type of its own (`…_load.v0+json`), by nothing but script, or by
 * HTML in which nothing is to be seen.
 */
export async function isLoader(data: MimeBundle): Promise<boolean> {
  const mimes = Object.keys(data);
  if (mimes.some((mime) => /^application\/vnd\.\w{1,40}_load\.v\d\+json$/.test(mime))) return true;
  const others = mimes.filter((mime) => mime !== 'application/javascript' && mime !== 'text/plain');
  if (mimes.includes('application/javascript') && others.length === 0) return true;
  const { 'text/html': html, 'text/plain': plain } = data;
  // A word for an object says that there is something to be seen.
  if (typeof html !== 'string' || (typeof plain === 'string' && !/^<[^\n]*>$|^$/.test(plain.trim())))
    return false;
  // What is run beside a drawing has a word for the object that is drawn.
  const isExecuted = mimes.some((mime) => /^application\/vnd\.\w{1,40}_exec\.v\d\+json$/.test(mime));
  if (isExecuted && plain === undefined) return true;
  if (html.length > LOADER_CHARS) return false;
  const start = await readStart(html);
  if (start === undefined) return false;
  return LOADING.test(start.words) || start.isPlace || (start.isEmpty && start.hasScripts);
}

/** What libraries say while they load: Bokeh, HoloViews. */
const LOADING = /^(?:Loading BokehJS|BokehJS [\d.]{1,20} successfully loaded|ⓘ$)/;
/** What shows something, or is drawn into. */
const SHOWING = new Set('canvas svg img iframe video audio object embed table form'.split(' '));
/** What is said to browsers without scripts is about scripts. */
const UNSEEN = new Set(['script', 'style', 'noscript']);

/** What is on a page before its scripts have run; undefined where that is much, or nested too deeply. */
async function readStart(html: string) {
  let words = '';
  let hasScripts = false;
  let isShowing = false;
  let elements = 0;
  let places = 0;
  let chars = 0;
  let nesting = 0;
  let silent = 0;
  let unseen = 0;
  const parser = new Parser({
    onattribute(name, value) {
      chars += name.length + value.length;
    },
    onopentag(name, attributes) {
      chars += name.length;
      nesting += 1;
      if (silentTags.has(name)) silent += 1;
      if (UNSEEN.has(name)) unseen += 1;
      if (unseen > 0) {
        hasScripts = true;
        return;
      }
      elements += 1;
      // Where Bokeh will draw.
      if (name === 'div' && 'data-root-id' in attributes) places += 1;
      if (SHOWING.has(name) || (name === 'div' && 'id' in attributes)) isShowing = true;
    },
    ontext(text) {
      if (silent > 0) return;
      chars += text.length;
      words += text;
    },
    onclosetag(name) {
      nesting -= 1;
      if (silentTags.has(name)) silent -= 1;
      if (UNSEEN.has(name)) unseen -= 1;
    },
  });
  for (let at = 0; at < html.length; at += PIECE_CHARS) {
    parser.write(html.slice(at, at + PIECE_CHARS));
    if (chars > SEEN_CHARS || nesting > MAX_NESTING) return undefined;
    await giveTurn();
  }
  parser.end();
  words = words.trim();
  const isPlace = words === '' && places > 0 && places === elements;
  return { words, hasScripts, isPlace, isEmpty: words === '' && !isShowing };
}

/** HTML that draws by script: what it shows is in no word of it. */
export function isScripted(html: string): boolean {
  return /<script\b/i.test(html.slice(0, READ_CHARS));
}

/**
 * `alt.Chart(...)`, `Figure({…`, `Row(id='1001', …)`, `:Curve [x] (y)`, `<…>`: a word for an object that a browser would
 * draw. Beside its drawing it says nothing.
 */
export function isObjectWord(plain: string): boolean {
  const word = plain.trim();
  if (word.length > OBJECT_CHARS) return /^[\w.]{1,100}\(/.test(word);
  return /^<[^\n]*>$|^:\w|^[\w.]{1,100}\([^]*\)$/.test(word);
}

const ENDINGS: Readonly<Record<string, string>> = {
  wav: 'wav',
  'x-wav': 'wav',
  wave: 'wav',
  mpeg: 'mp3',
  mp3: 'mp3',
  ogg: 'ogg',
  mp4: 'mp4',
  webm: 'webm',
  quicktime: 'mov',
  flac: 'flac',
};

/** Sound and film that are in the bundle itself, as files that Slack plays. */
export function mediaFiles(data: MimeBundle): ShownForm[] {
  const own = Object.entries(data).flatMap(([mime, value]) => mediaFile(mime, value));
  if (own.length > 0) return own;
  const html = data['text/html'];
  if (typeof html !== 'string' || !/<(?:audio|video)\b/i.test(html.slice(0, HEAD_CHARS))) return [];
  const held = dataIn(html, /data:(?:audio|video)\/[\w.+-]{1,40};base64,/);
  return held === undefined ? [] : mediaFile(held.mime, held.value);
}

/** A picture that HTML holds, and the HTML without it. */
export function pictureIn(html: string): { bytes: Buffer; rest: string } | undefined {
  const held = dataIn(html, /data:image\/(?:png|jpeg|gif);base64,/);
  if (held === undefined) return undefined;
  return { bytes: Buffer.from(held.value, 'base64'), rest: html.replace(held.value, '') };
}

/** The first `data:` address of a kind that an element of HTML holds: its type and what is behind its comma. */
function dataIn(html: string, kind: RegExp): { mime: string; value: string } | undefined {
  const at = html.slice(0, HEAD_CHARS).search(kind);
  if (at === -1) return undefined;
  const mime = html.slice(at + 'data:'.length, html.indexOf(';', at));
  const before = html.charAt(at - 1);
  const value = html.slice(html.indexOf(',', at) + 1);
  const end = before === '"' || before === "'" ? value.indexOf(before) : value.search(/[\s>]/);
  return { mime, value: end === -1 ? value : value.slice(0, end) };
}

function mediaFile(mime: string, value: unknown): ShownForm[] {
  const [, kind, name] = /^(audio|video)\/([\w.+-]{1,40})$/.exec(mime) ?? [];
  if (kind === undefined || name === undefined || typeof value !== 'string') return [];
  const content = Buffer.from(value, 'base64');
  if (content.length === 0) return [];
  const ending = kind === 'audio' && name === 'mp4' ? 'm4a' : (ENDINGS[name] ?? name.replace(/^x-/, ''));
  return [{ kind: 'file', filename: `${kind}.${ending}`, mime, content }];
}

/** Where what HTML only points to is: `Image(url=…)`, `YouTubeVideo(…)`, `IFrame(…)`. Undefined where it holds more. */
export function pointedAddress(html: string): string | undefined {
  if (html.length > HEAD_CHARS) return undefined;
  const [, address] =
    /<(?:img|iframe|video|audio|source)\b[^>]{0,2000}?\bsrc\s?=\s?["'](https?:\/\/[^"'\s]{1,1500})["']/i.exec(
      html,
    ) ?? [];
  return address;
}

const VERSION = /"version":"(\d{1,3}\.\d{1,3}\.\d{1,3})"/;
/** Ends of scripts in a page; no library brings more. */
const MOST_SCRIPTS = 1_000;
const ROOTS = /"roots":\{([^{}]{1,5000})\}/;

/** What Bokeh draws, as a page of its own: its script, the places it names, and BokehJS of its version. */
export function bokehPage(data: MimeBundle): ShownForm[] {
  const script = data['application/javascript'];
  const isBokeh = Object.keys(data).some((mime) => /^application\/vnd\.bokehjs_exec\.v\d\+json$/.test(mime));
  if (!isBokeh || typeof script !== 'string') return [];
  const unended = script.split('</script', MOST_SCRIPTS);
  if (unended.length === MOST_SCRIPTS) return [];
  // What is drawn stands between them, and has any length.
  const [start, end] = [script.slice(0, READ_CHARS), script.slice(-READ_CHARS)];
  const version = (VERSION.exec(start) ?? VERSION.exec(end))?.[1] ?? '3.8.0';
  const roots = (ROOTS.exec(end) ?? ROOTS.exec(start))?.[1] ?? '';
  const places = [...roots.matchAll(/:"([\w-]{1,80})"/g)].map(([, id]) => `<div id="${id}"></div>`);
  const content = [
    '<!DOCTYPE html><meta charset="utf-8">',
    `<script src="https://cdn.bokeh.org/bokeh/release/bokeh-${version}.min.js"></script>`,
    ...places,
    `<script>${unended.join('<\\/script')}</script>`,
    '',
  ].join('\n');
  return [{ kind: 'file', filename: 'bokeh.html', mime: 'text/html', content }];
}
