import { GatewayError } from '../../gateway/errors.ts';
import type { KernelConnection } from '../../gateway/gateway.ts';
import { readCheckpoint } from './kept-output.ts';
import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import type { GatewayPatience } from './gateway-patience.ts';
import type { KernelRecord } from './kernel-record.ts';
import { outlastStore } from './outlast-store.ts';
import type { RunOutcome } from '../outcome.ts';
import { type EndedAt, readEnd } from './read-end.ts';
import type { Run } from '../run.ts';

export interface ReachKernelDeps {
  kernels: ChannelKernels;
  patience: GatewayPatience;
  /** Tells a channel that a switch replaced its kernel. */
  tellSwitched: (run: Run, change: { from: string; by: string }) => void;
  log: Log;
}

export interface ReachedKernel {
  record: KernelRecord;
  connection: KernelConnection;
}

/**
 * The kernel of a run, connected and answering; or how the run ends because there is none. A gateway that is away is
 * waited for, and that is said.
 */
export async function reachKernel(
  active: ActiveRun,
  deps: ReachKernelDeps,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  const sinceMs = Date.now();
  for (;;) {
    try {
      const reached = await patiently(active, () => reachOnce(active, deps, sinceMs));
      active.showTrouble(undefined);
      return reached;
    } catch (error) {
      const outcome = await failedOutcome(active, error, deps, sinceMs);
      if (outcome !== undefined) return { outcome };
    }
  }
}

/** One that waits goes back into its lane while the store is away; of one that was sent nobody else can tell the end. */
function patiently<T>({ run, left }: ActiveRun, work: () => Promise<T>): Promise<T> {
  return run.state === 'waiting' ? work() : outlastStore(work, left);
}

function reachOnce(
  active: ActiveRun,
  deps: ReachKernelDeps,
  sinceMs: number,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  return active.run.data.sent === undefined
    ? readyKernel(active, deps, sinceMs)
    : leftKernel(active, deps.kernels);
}

/** How the run ends after this failure; undefined when it is worth another attempt. */
async function failedOutcome(
  active: ActiveRun,
  error: unknown,
  { kernels, patience, log }: ReachKernelDeps,
  sinceMs: number,
): Promise<RunOutcome | undefined> {
  const { run } = active;
  const isSent = run.data.sent !== undefined;
  if (active.signal.aborted && !isSent)
    return readEnd({ kind: 'notSent' }, active.stopReason, endedAt(active));
  if (!(error instanceof GatewayError)) throw error;
  log.warn({ err: error, run: run.id }, 'the kernel could not be reached');
  const kept = await patiently(active, () => kernels.find(run.lane));
  const kernelId = kept?.kernelId ?? run.id;
  // A stop cannot take back what was sent.
  const signal = isSent ? active.left : AbortSignal.any([active.left, active.signal]);
  const onAway = ({ code, message }: GatewayError): void => {
    if (!isSent && active.phase.kind !== 'startingKernel')
      active.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 });
    active.showTrouble({ code, detail: message, isCutOff: true });
  };
  try {
    if (
      await patience.isWorthAnother(error, {
        isSent,
        isHarmless: kept !== undefined,
        sinceMs,
        kernelId,
        signal,
        onAway,
      })
    )
      return undefined;
  } catch (interruption) {
    if (!signal.aborted) throw interruption;
    return readEnd({ kind: 'notSent' }, active.stopReason, endedAt(active));
  }
  return isSent ? lostOutcome(active, error) : notStarted(active, error);
}

function notStarted(active: ActiveRun, { message }: GatewayError): RunOutcome {
  return readEnd({ kind: 'notSent', detail: message }, active.stopReason, endedAt(active));
}

/** The kernel has the run, or may have it, and nobody can be asked about it. */
function lostOutcome(active: ActiveRun, { code, message }: GatewayError): RunOutcome {
  const kind = code === 'startFailed' ? 'outputLost' : 'gatewayAway';
  return readEnd({ kind, detail: message }, active.stopReason, endedAt(active));
}

function endedAt({ run }: ActiveRun): EndedAt {
  const { kernelspec, startedAt, executionCount, block } = run.data;
  return {
    kernelspec,
    durationMs: startedAt === undefined ? 0 : Date.now() - startedAt,
    executionCount,
    isKnownToRun: run.state === 'sent',
    hasRun: block > 0,
  };
}

/** The kernel for a run that was never sent. */
async function readyKernel(
  active: ActiveRun,
  deps: ReachKernelDeps,
  sinceMs: number,
): Promise<ReachedKernel> {
  const { kernels } = deps;
  const { workspace, channel, lane, runner, thread, data } = active.run;
  if (data.switchAgreedBy !== undefined) await makeRoom(active, data.switchAgreedBy, deps, sinceMs);
  const reach = () =>
    kernels.ready(
      { workspace, channel, lane, runner, thread },
      data.kernelspec,
      {
        onStarting: () => active.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 }),
        onTurn: (turnsBefore) => active.show({ kind: 'startingKernel', sinceMs, turnsBefore }),
      },
      { stopped: active.signal, left: active.left },
    );
  let ready = await reach();
  // The connection that was kept ends with a kernel that is gone, so that this gives a new one.
  if (!(await ready.connection.isThere(AbortSignal.any([active.signal, active.left])))) ready = await reach();
  if (ready.note !== undefined) await active.change({}, { notes: [...active.run.data.notes, ready.note] });
  return ready;
}

/** A switch was agreed to: the lane's kernel of another kernelspec is shut down. */
async function makeRoom(
  active: ActiveRun,
  by: string,
  { kernels, tellSwitched }: ReachKernelDeps,
  sinceMs: number,
): Promise<void> {
  const record = await kernels.find(active.run.lane);
  if (record === undefined || record.kernelspec === active.run.data.kernelspec) return;
  active.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 });
  await kernels.shutDown(record);
  tellSwitched(active.run, { from: record.kernelspec, by });
}

/** After a crash: the kernel that the predecessor wrote to, with its session, so that the gateway replays. */
async function leftKernel(
  active: ActiveRun,
  kernels: ChannelKernels,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  const { lane, state, data } = active.run;
  // The gateway replays as soon as the socket is open.
  active.follow();
  // A stop cannot take back what was sent: it waits for the connection and interrupts there.
  const connection = await kernels
    .reattach(lane, data.sent?.kernelId ?? '', active.left, readCheckpoint(data.sent?.left))
    .catch((error: unknown) => {
      active.markFollowed();
      if (error instanceof GatewayError && error.code === 'kernelGone') return undefined;
      throw error;
    });
  const record = await kernels.find(lane);
  if (connection !== undefined && record !== undefined) return { connection, record };
  const gone = readEnd({ kind: 'kernelGone', variablesLost: true }, active.stopReason, endedAt(active));
  return { outcome: state === 'sending' ? { ...gone, kind: 'unknown' } : gone };
}
