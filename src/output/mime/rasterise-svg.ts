import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';
import { Turns } from '../../gateway/turns.ts';

/** Beside this file: .ts, or .js where both are built. */
const program = fileURLToPath(new URL(`svg-to-png${import.meta.url.slice(-3)}`, import.meta.url));
const MAX_SVG_CHARS = 5_000_000;
/** Some take for ever: an svg is a program, too. */
const TIMEOUT_MS = 20_000;
/** Each takes a processor and some memory. */
const MOST_AT_ONCE = 2;
/** So many owners of an svg that took too long are remembered. */
const SLOW_OWNERS = 1_000;

const turns = new Turns(MOST_AT_ONCE);
const slowOwners = new LRUCache<string, true>({ max: SLOW_OWNERS });

/**
 * An svg as png; undefined when it is no good svg, or takes too long, as an earlier one of this owner did. Nothing
 * outside of it is loaded. It is drawn in a process of its own, which knows no secrets and may fail.
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
    // where fonts may be
    env: { HOME: homedir() },
  });
  const ended = once(child, 'close');
  // A process that was not started may have no pipes; this rejects.
  if (child.pid === undefined) await ended;
  // a child that has ended takes no more
  child.stdin.on('error', () => {});
  child.stdin.end(svg.toWellFormed());
  const [[code], png] = await Promise.all([ended, buffer(child.stdout)]);
  if (child.killed) slowOwners.set(owner, true);
  return code === 0 && png.length > 0 ? png : undefined;
}
