import { setTimeout as delay } from 'node:timers/promises';
import type { SparkLinkSettings } from '../../../spark/links.ts';
import type { StatusApi } from '../../../spark/status/status-api.ts';
import type { LiveRun } from '../run/live-run.ts';
import { noteMoment, noteSilence } from './note-spark.ts';

/** Most runs are over by then. */
const LASTS_MS = 1_000;
/** From an answer to the next question. */
const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** Resolves after that time, and at once when the signal is aborted. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export interface StatusDeps {
  api: Pick<StatusApi, 'follow'>;
  pause: Pause;
  settings: SparkLinkSettings;
  onFailure: (error: unknown) => void;
}

/**
 * While the block under way runs, Spark's REST API is asked for its jobs → the record and the screen. Ends with the
 * signal and never rejects: an API that gives no answer costs the run nothing.
 */
export async function followStatus(
  live: LiveRun,
  kernelId: string,
  { api, pause, settings, onFailure }: StatusDeps,
  signal: AbortSignal,
): Promise<void> {
  const { request, spark, startedAt } = live.run.data;
  const sinceMs = request?.sentAt ?? startedAt ?? Date.now();
  const follower = api.follow({ kernelId, appId: spark?.app, sinceMs });
  let failures = 0;
  await pause(LASTS_MS, signal);
  while (!signal.aborted) {
    // Before its first sign the kernel may be at work for somebody else.
    if (live.run.state === 'running')
      try {
        const moment = await follower.look(signal);
        failures = 0;
        if (moment !== undefined && !signal.aborted) {
          noteMoment(live, moment, settings);
          live.refresh();
        }
      } catch (error) {
        failures += 1;
        if (signal.aborted) return;
        noteSilence(live);
        onFailure(error);
      }
    await pause(Math.min(PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), signal);
  }
}

export const pauseFor: Pause = async (ms, signal) =>
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
