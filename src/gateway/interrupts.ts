import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Rest } from './rest.ts';

/** Interrupts of a kernel keep a distance: Toree takes two within 3 s as a shutdown (protocol.md §3.6, trap 25). */
export interface Interrupts {
  /** Runs `send` once it is allowed for this kernel; it says whether an interrupt was sent. */
  spaced(kernelId: string, send: () => Promise<boolean>): Promise<boolean>;
  /** The same for a running execution, in the background. */
  interrupt(stop: Stop): void;
}

export interface Stop {
  kernelId: string;
  /** Asked when its turn has come: the execution may have ended meanwhile. */
  isWanted: () => boolean;
  /** Right before the signal leaves. */
  onSend: () => void;
  /** `interrupt_request` on the control channel, for gateways behind a proxy without the route. */
  sendMessage: () => void;
}

export function openInterrupts({ rest, log, gapMs }: { rest: Rest; log: Log; gapMs: number }): Interrupts {
  const lines = new Map<string, Promise<void>>();

  const keepDistance = async (sent: Promise<boolean>): Promise<void> => {
    const hasSent = await sent.catch(() => true);
    if (hasSent) await pause(gapMs, undefined, { ref: false });
  };

  function spaced(kernelId: string, send: () => Promise<boolean>): Promise<boolean> {
    const sent = (lines.get(kernelId) ?? Promise.resolve()).then(send);
    const free = keepDistance(sent);
    lines.set(kernelId, free);
    void free.then(() => lines.get(kernelId) === free && lines.delete(kernelId));
    return sent;
  }

  async function stop({ kernelId, isWanted, onSend, sendMessage }: Stop): Promise<boolean> {
    if (!isWanted()) return false;
    onSend();
    // Stock Knox has no route for it (protocol.md §1.5); ipykernel takes the same as a message.
    if (!(await rest.interruptKernel(kernelId))) sendMessage();
    return true;
  }

  return {
    spaced,
    interrupt(wanted) {
      spaced(wanted.kernelId, () => stop(wanted)).catch((failure: unknown) => {
        log.warn({ err: failure, kernelId: wanted.kernelId }, 'an interrupt could not be sent');
      });
    },
  };
}
