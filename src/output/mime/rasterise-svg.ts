import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';
import { Turns } from '../../gateway/waits.ts';

/** Next to this file: .ts, or .js if both are built. */
const program = fileURLToPath(new URL(`svg-to-png${import.meta.url.slice(-3)}`, import.meta.url));
const MAX_SVG_CHARS = 5_000_000;
/** Some SVGs take for ever: they are programs, too. */
const TIMEOUT_MS = 20_000;
/** Each needs a processor and memory. */
const MOST_AT_ONCE = 2;
/** How many owners of a slow SVG are remembered. */
const SLOW_OWNERS = 1_000;

const turns = new Turns(MOST_AT_ONCE);
const slowOwners = new LRUCache<string, true>({ max: SLOW_OWNERS });

/**
 * Draws an SVG as a PNG; undefined if it is invalid or takes too long, or an earlier one of this owner did. It loads
 * nothing from outside. It runs in a process of its own, which knows no secrets and may crash.
 */
export async function rasteriseSvg(svg: string, owner: string): Promise<Buffer | undefined> {
  if (svg.length > MAX_SVG_CHARS) return undefined;
  const endTurn = await turns.take({ owner });
  try {
    return await draw(svg, owner);
  } catch {
    return undefined;
  } finally {
    endTurn();
  }
}

async function draw(svg: string, owner: string): Promise<Buffer | undefined> {
  if (slowOwners.has(owner)) return undefined;
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    // fonts may be there
    env: { HOME: homedir() },
  });
  const ended = once(child, 'close');
  // A process that was not started may have no pipes; this rejects.
  if (child.pid === undefined) await ended;
  // writing to a child that has ended fails
  child.stdin.on('error', () => {});
  child.stdin.end(svg.toWellFormed());
  const [[code], png] = await Promise.all([ended, buffer(child.stdout)]);
  if (child.killed) slowOwners.set(owner, true);
  return code === 0 && png.length > 0 ? png : undefined;
}
