import type { MimeBundle } from '../../../gateway/outputs.ts';
import type { ImageMime } from '../output-view.ts';
import { htmlAsText } from './html-as-text.ts';
import { readHtmlTable, type Table } from './read-html-table.ts';

/** What a mime bundle is shown as, in order. */
export type Shown =
  | { kind: 'text'; text: string }
  | { kind: 'image'; mime: ImageMime; bytes: Buffer; alt: string }
  | { kind: 'svg'; source: string; alt: string }
  | { kind: 'table'; table: Table; text: string }
  | { kind: 'file'; filename: string; mime: string; content: string };

/** HTML beyond this is only a file: reading it would hold up everybody else. */
const maxParsedChars = 300_000;
/** A table is read in turns; beyond this it would take too much memory. */
const maxTableChars = 2_000_000;

const images: readonly ImageMime[] = ['image/png', 'image/jpeg', 'image/gif'];

/**
 * The best form that a chat can show (protocol.md §4): picture, table, and text; markup is shown as its source or its
 * words, with the source as a file where it says more. Never raw HTML or scripts. IRkernel sends five forms of every
 * value: `text/plain` is the right one.
 */
export async function readBundle(data: MimeBundle): Promise<Shown[]> {
  const text = (mime: string): string | undefined => {
    const value = data[mime];
    return typeof value === 'string' && value.trim() !== '' ? value : undefined;
  };
  const plain = text('text/plain');
  // Toree says this before each error
  if (plain?.trim() === 'lastException = null') return [];
  const words = plain !== undefined && isBareObject(plain) ? undefined : plain;
  const alt = words ?? 'image';
  for (const mime of images) {
    const base64 = text(mime);
    if (base64 !== undefined) return [{ kind: 'image', mime, bytes: Buffer.from(base64, 'base64'), alt }];
  }
  const svg = text('image/svg+xml');
  if (svg !== undefined) return [{ kind: 'svg', source: svg, alt }];
  const html = text('text/html');
  const table = html === undefined || html.length > maxTableChars ? undefined : await readHtmlTable(html);
  if (table !== undefined) return [{ kind: 'table', table, text: plain ?? shortHtmlAsText(html ?? '') }];
  if (words !== undefined)
    return [
      { kind: 'text', text: words },
      ...(html !== undefined && html.length > maxParsedChars ? [htmlFile(html)] : []),
    ];
  const markup = text('text/markdown') ?? prettyJson(data['application/json']) ?? text('text/latex');
  if (markup !== undefined) return [{ kind: 'text', text: markup }];
  if (html !== undefined) return showHtml(html, data);
  return [
    ...vendorFiles(data),
    ...(plain === undefined ? otherForms(data) : [{ kind: 'text' as const, text: plain }]),
  ];
}

/** `<IPython.core.display.HTML object>`, `<Figure size 640x480 with 1 Axes>`: says nothing beside another form. */
function isBareObject(plain: string): boolean {
  return /^<[\w.]+( object)?( at 0x[\da-f]+)?>$/.test(plain) || /^<Figure size [^>]*>$/.test(plain);
}

function prettyJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value, undefined, 2);
}

function showHtml(html: string, data: MimeBundle): Shown[] {
  const words = shortHtmlAsText(html);
  const isMore = /<(script|style|img|a|iframe|canvas|svg|video|audio|form|table)\b/i.test(html);
  return [
    ...(words === '' ? [] : [{ kind: 'text' as const, text: words }]),
    ...(isMore || words === '' ? [htmlFile(html)] : []),
    ...vendorFiles(data),
  ];
}

function shortHtmlAsText(html: string): string {
  return html.length > maxParsedChars ? '' : htmlAsText(html);
}

function htmlFile(html: string): Shown {
  return { kind: 'file', filename: 'output.html', mime: 'text/html', content: html };
}

/** Plotly, Vega and the like: their JSON says everything, for who wants to draw it elsewhere. Widgets have nothing to keep. */
function vendorFiles(data: MimeBundle): Shown[] {
  return Object.entries(data).flatMap(([mime, value]): Shown[] => {
    const name = /^application\/vnd\.(\w+).*\+json$/.exec(mime)?.[1];
    if (name === undefined || name === 'jupyter') return [];
    return [{ kind: 'file', filename: `${name}.json`, mime, content: prettyJson(value) ?? '' }];
  });
}

/** A form that a chat cannot show at all is named. */
function otherForms(data: MimeBundle): Shown[] {
  const forms = Object.keys(data).filter((mime) => !/^application\/vnd\..*\+json$/.test(mime));
  return forms.length === 0 ? [] : [{ kind: 'text', text: `(${forms.join(', ')}: cannot be shown here)` }];
}
