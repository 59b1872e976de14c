import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';

/** Beside this file: .ts, or .js where both are built. */
const program = fileURLToPath(new URL(`svg-to-png${import.meta.url.slice(-3)}`, import.meta.url));
const MAX_SVG_CHARS = 5_000_000;
/** Some take for ever: an svg is a program, too. */
const TIMEOUT_MS = 20_000;
/** Each takes a processor and some memory. */
const MOST_AT_ONCE = 2;
const WAITING_OF_OWNER = 10;
/** So many owners of an svg that took too long are remembered. */
const SLOW_OWNERS = 1_000;

/**
 * Lets so many pieces of work run at once, of each owner one; the others wait in order. What an owner has beyond
 * `waitingOfOwner` waiting is refused.
 */
export class FairSlots {
  readonly #slots: number;
  readonly #waitingOfOwner: number;
  readonly #owners = new Set<string>();
  #waiting: { owner: string; start: () => void }[] = [];

  constructor(slots: number, waitingOfOwner: number) {
    this.#slots = slots;
    this.#waitingOfOwner = waitingOfOwner;
  }

  /** Undefined where it was refused. Rejects as the work does. */
  async run<T>(owner: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#waiting.filter((each) => each.owner === owner).length >= this.#waitingOfOwner) return undefined;
    await new Promise<void>((start) => {
      this.#waiting.push({ owner, start });
      this.#startNext();
    });
    try {
      return await work();
    } finally {
      this.#owners.delete(owner);
      this.#startNext();
    }
  }

  #startNext(): void {
    if (this.#owners.size >= this.#slots) return;
    const next = this.#waiting.find(({ owner }) => !this.#owners.has(owner));
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((each) => each !== next);
    this.#owners.add(next.owner);
    next.start();
  }
}

const slots = new FairSlots(MOST_AT_ONCE, WAITING_OF_OWNER);
const slowOwners = new LRUCache<string, true>({ max: SLOW_OWNERS });

/**
 * An svg as png; undefined when it is no good svg, or takes too long, as an earlier one of this owner did. Nothing
 * outside of it is loaded. It is drawn in a process of its own, which knows no secrets and may fail.
 */
export async function rasteriseSvg(svg: string, owner: string): Promise<Buffer | undefined> {
  if (svg.length > MAX_SVG_CHARS) return undefined;
  try {
    return await slots.run(owner, () => draw(svg, owner));
  } catch {
    return undefined;
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
  // a child that has ended takes no more
  child.stdin.on('error', () => {});
  child.stdin.end(svg.toWellFormed());
  const [[code], png] = await Promise.all([ended, buffer(child.stdout)]);
  if (child.killed) slowOwners.set(owner, true);
  return code === 0 && png.length > 0 ? png : undefined;
}
