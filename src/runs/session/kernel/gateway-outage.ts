import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway } from '../../../gateway/gateway.ts';
import { untilAborted } from '../../../gateway/waits.ts';

/**
 * How long a run waits for a gateway that does not answer. A run that was not sent gives up sooner: it loses nothing, and its
 * author should soon learn that nothing ran. Both are enough for a restart of the gateway.
 */
const SENT_TIMEOUT_MS = 5 * 60_000;
const UNSENT_TIMEOUT_MS = 20_000;
const PROBE_EVERY_MS = 1_000;
/** If an outage was not noticed for this long, the next one counts as a new outage. */
const STALE_MS = 30_000;

export interface Waiting {
  /** The kernel may have a request of this run, so giving up loses its output. */
  isSent: boolean;
  /** The failed call may be repeated even if the gateway answered meanwhile, because it starts nothing. */
  isHarmless: boolean;
  /** When the run began to wait, by `performance.now()`. */
  sinceMs: number;
  /** The kernel to ask the gateway about. Any answer proves that the gateway is there. */
  kernelId: string;
  signal: AbortSignal;
  onAway: (failure: GatewayError) => void;
}

export interface OutageClock {
  now: () => number;
  delay: (ms: number) => Promise<void>;
}

const SYSTEM_CLOCK: OutageClock = {
  now: () => performance.now(),
  delay: (ms) => delay(ms, undefined, { ref: false }),
};

/**
 * Waits for a gateway that does not answer, with one probe a second for all waiting runs. The time counts from the first
 * failure of any run, so that the runs of a long queue do not wait one after the other.
 */
export function createGatewayOutageWait(
  gateway: Pick<Gateway, 'findKernel'>,
  clock: OutageClock = SYSTEM_CLOCK,
) {
  let outage: { sinceMs: number; seenMs: number } | undefined;
  let probing: Promise<GatewayError | undefined> | undefined;
  let nextProbe: Promise<GatewayError | undefined> | undefined;
  /** Notes that the gateway did not answer. Returns when the outage began. */
  const noteOutage = (): number => {
    const now = clock.now();
    const isStale = outage === undefined || now - outage.seenMs > STALE_MS;
    outage = { sinceMs: isStale ? now : (outage?.sinceMs ?? now), seenMs: now };
    return outage.sinceMs;
  };
  const probeSoon = (kernelId: string): Promise<GatewayError | undefined> => {
    nextProbe ??= clock
      .delay(PROBE_EVERY_MS)
      .then(() => probe(kernelId))
      .finally(() => (nextProbe = undefined));
    return nextProbe;
  };
  const probe = (kernelId: string): Promise<GatewayError | undefined> => {
    probing ??= ask(kernelId).finally(() => (probing = undefined));
    return probing;
  };
  const ask = async (kernelId: string): Promise<GatewayError | undefined> => {
    try {
      await gateway.findKernel(kernelId);
      outage = undefined;
      return undefined;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      noteOutage();
      return error;
    }
  };
  return {
    /** Waits, and resolves with true if the failed call should be repeated now. Rejects if `signal` is aborted. */
    async isWorthRetry(failure: GatewayError, waiting: Waiting): Promise<boolean> {
      const { isSent, isHarmless, sinceMs, kernelId, signal, onAway } = waiting;
      if (!isOutage(failure, isSent)) return false;
      // The gateway answers, so only that one call failed.
      if (!isHarmless && (await untilAborted(probe(kernelId), signal)) === undefined) return false;
      const until = Math.min(noteOutage(), sinceMs) + (isSent ? SENT_TIMEOUT_MS : UNSENT_TIMEOUT_MS);
      let last = failure;
      while (clock.now() < until) {
        onAway(last);
        const found = await untilAborted(probeSoon(kernelId), signal);
        if (found === undefined || !isOutage(found, isSent)) return true;
        last = found;
      }
      return false;
    },
  };
}

export type GatewayOutageWait = ReturnType<typeof createGatewayOutageWait>;

/** An operator may correct a refusal while a run goes on. A run that was not sent is better refused at once. */
function isOutage({ code }: GatewayError, isSent: boolean): boolean {
  switch (code) {
    case 'unreachable':
    case 'noCredentials':
      return true;
    case 'unauthorized':
    case 'untrusted':
    case 'badAnswer':
    case 'serverStopped':
      return isSent;
    case 'refused':
    case 'kernelGone':
    case 'startFailed':
    case 'writesPaused':
      return false;
  }
}
