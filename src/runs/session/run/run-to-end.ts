import { setTimeout as delay } from 'node:timers/promises';
import type { Displays } from '../../../output/displays.ts';
import type { Transcript } from '../../../output/transcript.ts';
import type { Run } from '../../run.ts';
import type { SessionKernel } from '../kernel/session-kernel.ts';
import type { LateOutput } from '../late-output.ts';
import type { LiveRun } from './live-run.ts';
import type { RunEnd } from './run-end.ts';
import { runToOutcome, type RunToOutcomeDeps } from './run-to-outcome.ts';

export interface RunToEndDeps extends Omit<RunToOutcomeDeps, 'openTranscript' | 'onSwitched'> {
  /** Opens a run's output; `recovered`: goes on with what an earlier process stored. */
  openTranscript: (run: Run, recovered: boolean, displays: Displays) => Promise<Transcript>;
  /** A switch replaced the channel's kernel. */
  onSwitched: (run: Run, change: { from: string; by: string }) => void;
}

/** How long the session's next run waits for the final message of the one before to be on its way. */
const MESSAGE_FIRST_MS = 25;

/** Runs the code in the acquired kernel and stores, posts and remembers its end. */
export async function runToEnd(
  live: LiveRun,
  kernel: SessionKernel,
  end: RunEnd,
  late: LateOutput,
  displays: Displays,
  deps: RunToEndDeps,
): Promise<void> {
  const running = runToOutcome(live, kernel, {
    ...deps,
    openTranscript: (recovered) => deps.openTranscript(live.run, recovered, displays),
    onSwitched: (change) => deps.onSwitched(live.run, change),
  });
  const ended = await Promise.race([running, untilReleased(live)]);
  // What the kernel said last is heard once only: the end is stored also by a process that ends.
  if (ended === undefined) {
    void running.then((last) => last && end.store(live, last.outcome, last.stored));
    return;
  }
  if (!(await end.store(live, ended.outcome, ended.stored))) return;
  live.markFollowed();
  if (live.released.aborted) return;
  end.post(live, ended.outcome);
  if (ended.transcript !== undefined)
    late.remember(live, ended.outcome, ended.transcript, kernel.isConnected);
  // Known before anybody reads the end and presses what it offers.
  const { outcome, kernelId } = ended;
  const noted = kernelId === undefined ? undefined : end.noteUse(live, outcome, kernelId);
  // The final message has the processor for itself.
  await Promise.race([live.posted, delay(MESSAGE_FIRST_MS, undefined, { ref: false })]);
  await noted;
  // Without a websocket nothing late can come.
  if (!kernel.isConnected) void late.forgetAll();
}

/** Settles when this process leaves the run to a successor. */
function untilReleased({ released: signal }: LiveRun): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
