import type { MimeBundle } from '../../gateway/outputs.ts';
import { READ_CHARS, type ShownForm } from './browser-forms.ts';
import { isObject, jsonText } from './json-text.ts';

/** Charts that only a browser can draw, as files. */

/** Pages of libraries have fewer closing script tags. */
const MOST_SCRIPTS = 1_000;

/** Whether it is a chart's document, whose JSON is complete. */
export function isChart(data: MimeBundle): boolean {
  return Object.entries(data).some(
    ([mime, value]) =>
      /^application\/vnd\.(?:vega|plotly)\w{0,20}\.v\d.{0,20}[+.]json$/.test(mime) && isObject(value),
  );
}

/**
 * A page for Plotly's JSON, and the JSON of Vega and others, which is complete, for drawing elsewhere. Widgets and
 * Bokeh's scripts have nothing to keep.
 */
export async function vendorFiles(data: MimeBundle): Promise<ShownForm[]> {
  const files: ShownForm[] = [];
  for (const [mime, value] of Object.entries(data)) {
    const name = /^application\/vnd\.(\w{1,40}).*[+.]json$/.exec(mime)?.[1];
    if (name === undefined || name === 'jupyter' || !isObject(value)) continue;
    const json = (await jsonText(value)) ?? '';
    const page = name === 'plotly' ? plotlyPage(json) : undefined;
    files.push(page ?? { kind: 'file', filename: `${name}.json`, mime, content: json });
  }
  return files;
}

/** Of all versions, it draws the most of what Plotly 5 and newer send: version 3 has lost what older code uses. */
const PLOTLY_JS = 'https://cdn.plot.ly/plotly-2.35.2.min.js';

/** Plotly 6 and newer send only the figure. */
function plotlyPage(figure: string): ShownForm | undefined {
  if (figure === '') return undefined;
  // No tag begins within the data.
  const data = figure.replaceAll('<', '\\u003c');
  const content = [
    '<!DOCTYPE html><meta charset="utf-8">',
    `<script src="${PLOTLY_JS}"></script>`,
    '<div id="chart"></div>',
    `<script>Plotly.newPlot("chart", ${data})</script>`,
    '',
  ].join('\n');
  return { kind: 'file', filename: 'plotly.html', mime: 'text/html', content };
}

const VERSION = /"version":"(\d{1,3}\.\d{1,3}\.\d{1,3})"/;
const ROOTS = /"roots":\{([^{}]{1,5000})\}/;

/** A Bokeh drawing as a page of its own: its script, the elements that it names, and BokehJS of its version. */
export function bokehPage(data: MimeBundle): ShownForm[] {
  const script = data['application/javascript'];
  const isBokeh = Object.keys(data).some((mime) => /^application\/vnd\.bokehjs_exec\.v\d\+json$/.test(mime));
  if (!isBokeh || typeof script !== 'string') return [];
  // A closing tag in the data would end the script.
  const unended = script.split('</script', MOST_SCRIPTS);
  if (unended.length === MOST_SCRIPTS) return [];
  // The data of the drawing is between them and has any length.
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
