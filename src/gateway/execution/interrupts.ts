import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../../log.ts';
import type { Rest } from '../http/kernels-api.ts';

/** Interrupts of a kernel keep a distance: Toree takes two within 3 s as a shutdown (protocol.md §3.6, trap 25). */
export interface Interrupts {
  /** Interrupts a running execution once that is allowed for its kernel, in the background. */
  interrupt(stop: Stop): void;
}

/** A stop as the execution wants it. */
export interface WantedStop {
  /** Asked when its turn has come: the execution may have ended meanwhile. */
  isWanted: () => boolean;
  /** Right before the signal leaves. */
  onSend: () => void;
  /** It is not known to have been sent. */
  onFailed: (failure: unknown) => void;
}

export interface Stop extends WantedStop {
  kernelId: string;
  /** `interrupt_request` on the control channel, for gateways behind a proxy without the route. */
  sendMessage: () => void;
}

/** The call was turned away, so that no signal was sent. */
function isRefusal(failure: unknown): boolean {
  return failure instanceof GatewayError && (failure.code === 'unauthorized' || failure.code === 'refused');
}

export function openInterrupts({ rest, log, gapMs }: { rest: Rest; log: Log; gapMs: number }): Interrupts {
  const lines = new Map<string, Promise<void>>();

  const keepDistance = async (sent: Promise<boolean>): Promise<void> => {
    const hasSent = await sent.catch(() => true);
    if (hasSent) await pause(gapMs, undefined, { ref: false });
  };

  /** Runs `send` when its turn has come; it says whether an interrupt was sent. */
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
    const isSent = await rest.interruptKernel(kernelId).catch((failure: unknown) => {
      if (isRefusal(failure)) sendMessage();
      throw failure;
    });
    if (!isSent) sendMessage();
    return true;
  }

  return {
    interrupt(wanted) {
      spaced(wanted.kernelId, () => stop(wanted)).catch((failure: unknown) => {
        log.warn({ err: failure, kernelId: wanted.kernelId }, 'an interrupt could not be sent');
        wanted.onFailed(failure);
      });
    },
  };
}
