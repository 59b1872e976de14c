import { renderAsync } from '@resvg/resvg-js';

/** The longer side of the picture, in pixels. */
const sidePx = 1200;
const maxSvgChars = 5_000_000;

/** An svg as png, off the main thread; undefined when it is no good svg. Nothing outside of it is loaded. */
export async function rasteriseSvg(svg: string): Promise<Buffer | undefined> {
  if (svg.length > maxSvgChars) return undefined;
  // a reference to a file or an address would make the renderer read it on this machine
  const closed = svg.replaceAll(/(href\s*=\s*)(["'])(?!data:image\/|#)[^"']*\2/gi, '$1$2$2');
  try {
    const rendered = await renderAsync(closed, {
      fitTo: { mode: isTall(closed) ? 'height' : 'width', value: sidePx },
      background: 'white',
      font: { loadSystemFonts: true },
      logLevel: 'off',
    });
    return rendered.asPng();
  } catch {
    return undefined;
  }
}

function isTall(svg: string): boolean {
  const tag = /<svg[^>]*>/i.exec(svg)?.[0] ?? '';
  const box = /viewBox\s*=\s*["']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)/i.exec(tag);
  const width = box?.[1] ?? /\bwidth\s*=\s*["']([\d.]+)/i.exec(tag)?.[1] ?? '1';
  const height = box?.[2] ?? /\bheight\s*=\s*["']([\d.]+)/i.exec(tag)?.[1] ?? '1';
  return Number(height) > Number(width);
}
