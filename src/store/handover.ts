import type { Log } from '../log.ts';
import type { Handover, Part } from './store.ts';

/** A leader that misses it for so long gives way, where a standby reaches it. */
const MISSED_MS: Readonly<Record<Part, number>> = { slack: 30_000, gateway: 60_000 };
const LOOK_MS = 5_000;

export interface HandoverDeps {
  isLeading: () => boolean;
  /** Whether this leader misses it, as far as is known without a call. */
  isMissed: Readonly<Record<Part, () => Promise<boolean>>>;
  /** Asks it. */
  reaches: Readonly<Record<Part, () => Promise<boolean>>>;
  /** The lease is released, and this process is to end. */
  onGivenWay: (part: Part) => void;
  log: Log;
  now?: () => number;
}

/**
 * A standby offers what the leader misses and it reaches; a leader that alone has lost Slack or the gateway gives way. Does
 * nothing where there are no standbys (`handover` undefined). Returns what ends it.
 */
export function startHandover(handover: Handover | undefined, deps: HandoverDeps): () => void {
  const { isLeading, isMissed, reaches, onGivenWay, log, now = () => performance.now() } = deps;
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
      log.debug({ event: 'leader.unoffered', err: error, part }, 'a standby could not help');
    } finally {
      isOffering = false;
    }
  }

  async function look(part: Part): Promise<void> {
    if (!isLeading() || !(await isMissed[part]())) return void missedSince.delete(part);
    const sinceMs = missedSince.get(part) ?? now();
    missedSince.set(part, sinceMs);
    if (now() - sinceMs < MISSED_MS[part] || (await handover?.seekSuccessor(part)) !== true) return;
    if (part === 'gateway' && (await reaches.gateway())) return void missedSince.delete(part);
    await handover?.giveWay(part);
    const seconds = Math.round((now() - sinceMs) / 1_000);
    const words = `this process has had no ${part} for ${seconds} s and another one has it: that one leads now`;
    log.fatal({ event: 'leader.replaced', part, seconds }, words);
    onGivenWay(part);
  }

  const timer = setInterval(() => {
    for (const part of ['slack', 'gateway'] as const)
      look(part).catch((error: unknown) =>
        log.debug({ event: 'leader.unsought', err: error, part }, 'no successor could be looked for'),
      );
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}
