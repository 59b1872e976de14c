import { setTimeout as pause } from 'node:timers/promises';

/** Interrupts of a kernel keep a distance: Toree takes two within 3 s as a shutdown (protocol.md §3.6, trap 25). */
export interface Interrupts {
  /** Runs `send` once it is allowed for this kernel, if `isWanted` still says so then. */
  spaced(kernelId: string, isWanted: () => boolean, send: () => Promise<void>): Promise<void>;
}

export function openInterrupts(gapMs: number): Interrupts {
  const keepDistance = async (sent: Promise<boolean>): Promise<void> => {
    const hasSent = await sent.catch(() => true);
    if (hasSent) await pause(gapMs, undefined, { ref: false });
  };
  const lines = new Map<string, Promise<void>>();
  return {
    spaced(kernelId, isWanted, send) {
      const before = lines.get(kernelId) ?? Promise.resolve();
      const sent = before.then(async () => {
        if (!isWanted()) return false;
        await send();
        return true;
      });
      const free = keepDistance(sent);
      lines.set(kernelId, free);
      void free.then(() => lines.get(kernelId) === free && lines.delete(kernelId));
      return sent.then(() => undefined);
    },
  };
}
