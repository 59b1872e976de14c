import type { Log } from '../log.ts';
import type { Handover, Part } from './store.ts';

/** A leader that cannot reach a part for this long gives way to a standby that can. */
const MISSED_MS: Readonly<Record<Part, number>> = { slack: 30_000, gateway: 60_000 };
const LOOK_MS = 5_000;

export interface HandoverDeps {
  isLeading: () => boolean;
  /** Whether this leader cannot reach the part, as far as is known without a new request. */
  isMissed: Readonly<Record<Part, () => Promise<boolean>>>;
  /** Sends a request to the part. */
  reaches: Readonly<Record<Part, () => Promise<boolean>>>;
  /** This process has to end, in order, so that the successor lacks nothing. */
  onGivenWay: (part: Part) => void;
  log: Log;
}

/**
 * A leader that has lost Slack or the gateway gives way to a standby that reaches it. Without standbys (`handover` is
 * undefined) nothing happens. Returns a function that ends the watch.
 */
export function startHandover(handover: Handover | undefined, deps: HandoverDeps): () => void {
  const { isLeading, isMissed, reaches, onGivenWay, log } = deps;
  if (handover === undefined) return () => undefined;
  const missedSince = new Map<Part, number>();
  let isOffering = false;

  handover.onWanted = (part) => {
    if (!isOffering) void offer(part);
  };

  async function offer(part: Part): Promise<void> {
    isOffering = true;
    try {
      if (await reaches[part]()) await handover?.offer(part);
    } catch (error) {
      log.debug({ event: 'leader.unoffered', err: error, part }, 'a standby could not offer to take over');
    } finally {
      isOffering = false;
    }
  }

  async function look(part: Part): Promise<void> {
    if (!isLeading() || !(await isMissed[part]())) return void missedSince.delete(part);
    const now = performance.now();
    const sinceMs = missedSince.get(part) ?? now;
    missedSince.set(part, sinceMs);
    if (now - sinceMs < MISSED_MS[part] || (await handover?.seekSuccessor(part)) !== true) return;
    if (part === 'gateway' && (await reaches.gateway())) return void missedSince.delete(part);
    await handover?.giveWay(part);
    const seconds = Math.round((now - sinceMs) / 1_000);
    const words = `this process could not reach ${part === 'slack' ? 'Slack' : 'the gateway'} for ${seconds} s and a standby can: the standby takes over`;
    log.fatal({ event: 'leader.replaced', part, seconds }, words);
    onGivenWay(part);
  }

  const timer = setInterval(() => {
    for (const part of ['slack', 'gateway'] as const)
      look(part).catch((error: unknown) =>
        log.debug(
          { event: 'leader.unsought', err: error, part },
          'the search for a standby that can take over failed',
        ),
      );
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}
