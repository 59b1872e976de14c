import { GatewayError } from '../../../gateway/errors.ts';
import { untilAborted } from '../../../gateway/until-aborted.ts';
import type { Log } from '../../../log.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { BlockRequest, Run } from '../../run.ts';
import type { GatewayOutageWait } from '../kernel/gateway-outage.ts';
import { needsSwitch } from '../kernel/kernel-record.ts';
import type { ReachedKernel } from '../kernel/launch-kernel.ts';
import type { SessionKernel } from '../kernel/session-kernel.ts';
import type { WriteGuard } from './execute-run.ts';
import type { LiveRun } from './live-run.ts';

export interface ReachDeps {
  guard: WriteGuard;
  outage: GatewayOutageWait;
  /** Called when a switch has replaced the channel's kernel. */
  onSwitched: (run: Run, change: { from: string; by: string }) => void;
  log: Log;
}

/**
 * Resolves with the kernel for a run, connected and answering, or with the outcome if there is none. If the gateway does not
 * answer, it waits for it and shows that.
 */
export async function reachKernel(
  live: LiveRun,
  kernel: SessionKernel,
  deps: ReachDeps,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  const sinceMs = Date.now();
  const waitsSince = performance.now();
  for (;;) {
    try {
      const { request } = live.run.data;
      const reached =
        request === undefined
          ? await readyKernel(live, kernel, deps, sinceMs)
          : await earlierKernel(live, request, kernel);
      live.showOutage(undefined);
      return reached;
    } catch (error) {
      const outcome = await outcomeOf(live, error, kernel, deps, { sinceMs, waitsSince });
      if (outcome !== undefined) return { outcome };
    }
  }
}

/** The outcome after this failure; undefined if another attempt is worth it. */
async function outcomeOf(
  live: LiveRun,
  error: unknown,
  kernel: SessionKernel,
  { guard, outage, log }: ReachDeps,
  { sinceMs, waitsSince }: { sinceMs: number; waitsSince: number },
): Promise<RunOutcome | undefined> {
  const { run } = live;
  const isSent = run.data.request !== undefined;
  if (live.signal.aborted && !isSent) return live.readEnd({ kind: 'notSent' });
  if (live.released.aborted || !(error instanceof GatewayError)) throw error;
  log.warn({ event: 'kernel.unreached', err: error, run: run.id }, 'the kernel could not be reached');
  const { record } = kernel;
  // A stop cannot undo what was sent.
  const signal = isSent ? live.released : live.stoppedOrReleased;
  const onAway = ({ code, message }: GatewayError): void => {
    if (!isSent && live.phase.kind !== 'startingKernel')
      live.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 });
    live.showOutage({ code, detail: message, isCutOff: true });
  };
  try {
    if (error.code === 'writesPaused') {
      // The lease is in doubt: the run waits until this process is sure again or ends.
      await guard.whenSure(signal);
      return undefined;
    }
    // A start that a proxy answers so has not come to the gateway.
    const isHarmless = record?.state === 'up' || error.status === 404 || error.status === 429;
    const kernelId = record?.kernelId ?? run.id;
    const waiting = { isSent, isHarmless, sinceMs: waitsSince, kernelId, signal, onAway };
    if (await outage.isWorthRetry(error, waiting)) return undefined;
  } catch (interruption) {
    // A run that is left to the successor gets no outcome here.
    if (!signal.aborted || live.released.aborted) throw interruption;
    return live.readEnd({ kind: 'notSent' });
  }
  if (!isSent) return live.readEnd({ kind: 'notSent', detail: error.message });
  // The kernel has the run or may have it, and the gateway cannot be asked.
  const kind = error.code === 'startFailed' ? 'outputLost' : 'gatewayAway';
  return live.readEnd({ kind, detail: error.message });
}

/** The kernel for a run that was never sent. */
async function readyKernel(
  live: LiveRun,
  kernel: SessionKernel,
  { onSwitched }: ReachDeps,
  sinceMs: number,
): Promise<ReachedKernel> {
  const { switchAgreedBy, kernelspec } = live.run.data;
  const starting = (turnsBefore: number): void => live.show({ kind: 'startingKernel', sinceMs, turnsBefore });
  const onServer = (startedMs: number | undefined): void =>
    startedMs === undefined ? starting(0) : live.show({ kind: 'startingServer', sinceMs: startedMs });
  const before = kernel.record;
  if (switchAgreedBy !== undefined && needsSwitch(before, kernelspec)) {
    starting(0);
    const change = { from: before.kernelspec, by: switchAgreedBy };
    await untilAborted(
      kernel.shutDown().then(() => onSwitched(live.run, change)),
      live.stoppedOrReleased,
    );
  }
  const progress = { onTurn: starting, onServer };
  const reach = () => kernel.ready(live, progress);
  let ready = await reach();
  // If the kernel is gone, `isThere` ends the open connection, and the second attempt starts a new kernel.
  if (!(await ready.connection.isThere(live.stoppedOrReleased))) ready = await reach();
  if (ready.note !== undefined) live.setData({ notes: [...live.run.data.notes, ready.note] });
  return ready;
}

/** After a restart of the bot: the kernel that the earlier process used, with its session, so that the gateway replays. */
async function earlierKernel(
  live: LiveRun,
  request: BlockRequest,
  kernel: SessionKernel,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  // The replay begins as soon as the websocket is open.
  live.follow();
  // A stop cannot undo what was sent. It interrupts the kernel once there is a connection.
  const connection = await kernel.reattach(request, live.released).catch((error: unknown) => {
    live.markFollowed();
    if (error instanceof GatewayError && error.code === 'kernelGone') return undefined;
    throw error;
  });
  const { record } = kernel;
  if (connection !== undefined && record !== undefined) return { connection, record };
  const gone = live.readEnd({ kind: 'kernelGone', variablesLost: true });
  return { outcome: live.run.state === 'sending' ? { ...gone, kind: 'unknown' } : gone };
}
