/**
 * Loaded with `--import` into the bot's process by the benches, so that src needs no hook: how long its event loop stood
 * still, and how much of that time its own code ran. On a loaded machine a process also waits for a processor; only what it
 * computed itself is its own doing. Answers `take` on the channel to its parent, and begins anew.
 */

import { setTimeout as delay } from 'node:timers/promises';

export interface StallReport {
  /** The longest time between two turns of the event loop, in milliseconds. */
  wallMs: number;
  /** The longest time that this process computed between two turns. */
  ownMs: number;
  rssBytes: number;
  heapBytes: number;
  /** Buffers and what native code holds, outside the heap. */
  externalBytes: number;
  /** Processor time of the process so far. */
  cpuMs: number;
}

const EVERY_MS = 5;

let wallMs = 0;
let ownMs = 0;
let last = performance.now();
let lastOwn = process.threadCpuUsage();

setInterval(() => {
  const now = performance.now();
  const own = process.threadCpuUsage(lastOwn);
  wallMs = Math.max(wallMs, now - last - EVERY_MS);
  ownMs = Math.max(ownMs, (own.user + own.system) / 1000);
  last = now;
  lastOwn = process.threadCpuUsage();
}, EVERY_MS).unref();

/** Memory outside the heap is found by one collection, freed by a later one, and returned to the system a little later. */
const COLLECTIONS = 4;
const COLLECTED_MS = 500;

async function collect(): Promise<void> {
  for (let n = 0; n < COLLECTIONS; n += 1) {
    // The first may only end a collection that had begun before.
    for (let half = 0; half < 2; half += 1) Reflect.get(globalThis, 'gc')?.();
    await delay(COLLECTED_MS);
  }
}

process.on('message', (word) => void answer(word));

async function answer(word: unknown): Promise<void> {
  if (word === 'collect') await collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const report: StallReport = {
    wallMs,
    ownMs,
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    cpuMs: (user + system) / 1000,
  };
  wallMs = 0;
  ownMs = 0;
  process.send?.(report);
}
process.channel?.unref();
