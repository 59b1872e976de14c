import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Resvg, type ResvgRenderOptions } from '@resvg/resvg-js';

/*
 * A separate program: it reads an SVG from stdin and writes a PNG to stdout. The renderer aborts the process if it runs
 * out of memory, and may draw for ever, so the process kills itself after a while, even if its parent is gone.
 */

/** The longer side of the picture, in pixels. */
const SIDE_PX = 1200;
const TIMEOUT_MS = 30_000;
/**
 * A reference to anything but an element or a picture that the SVG contains. The renderer would read files, also those
 * that an SVG within this one names.
 */
const REFERENCE =
  /(href\s*=\s*)(?:"(?!data:image\/(?:png|jpe?g|gif|webp);base64,|#)[^"]*"|'(?!data:image\/(?:png|jpe?g|gif|webp);base64,|#)[^']*')/gi;

if (isMainThread) {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), TIMEOUT_MS).unref();
  const given = (await buffer(process.stdin)).toString();
  const svg = given.replaceAll(REFERENCE, '$1""');
  const [png] = await once(new Worker(new URL(import.meta.url), { workerData: svg }), 'message');
  process.stdout.write(png);
} else parentPort?.postMessage(draw(String(workerData)));

function draw(svg: string): Buffer {
  const options: ResvgRenderOptions = { background: 'white', logLevel: 'off' };
  const { width, height } = new Resvg(svg, { ...options, font: { loadSystemFonts: false } });
  const fitTo = { mode: height > width ? ('height' as const) : ('width' as const), value: SIDE_PX };
  return new Resvg(svg, { ...options, fitTo, font: { loadSystemFonts: true } }).render().asPng();
}
