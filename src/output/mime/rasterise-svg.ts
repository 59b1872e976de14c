import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('svg-to-png.ts', import.meta.url));
const maxSvgChars = 5_000_000;
/** Some take for ever: an svg is a program, too. */
const patienceMs = 20_000;
/** Each takes a processor and some memory. */
const mostAtOnce = 2;

const underWay = new Set<Promise<unknown>>();

/**
 * An svg as png; undefined when it is no good svg, or takes too long. Nothing outside of it is loaded. It is drawn in a
 * process of its own, which knows no secrets and may fail.
 */
export async function rasteriseSvg(svg: string): Promise<Buffer | undefined> {
  if (svg.length > maxSvgChars) return undefined;
  while (underWay.size >= mostAtOnce) await Promise.race(underWay);
  // a reference to a file or an address would make the renderer read it on this machine
  const closed = svg.replaceAll(/(href\s*=\s*)(["'])(?!data:image\/|#)[^"']*\2/gi, '$1$2$2');
  const drawing = draw(closed);
  underWay.add(drawing);
  try {
    return await drawing;
  } catch {
    return undefined;
  } finally {
    underWay.delete(drawing);
  }
}

async function draw(svg: string): Promise<Buffer | undefined> {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: patienceMs,
    killSignal: 'SIGKILL',
    // where fonts may be
    env: { HOME: homedir() },
  });
  const ended = once(child, 'close');
  // a child that has ended takes no more
  child.stdin.on('error', () => {});
  child.stdin.end(svg.toWellFormed());
  const [[code], png] = await Promise.all([ended, buffer(child.stdout)]);
  return code === 0 && png.length > 0 ? png : undefined;
}
