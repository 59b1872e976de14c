import { GatewayError } from '../errors.ts';
import type { KernelConnection } from '../gateway/gateway.ts';
import type { Log } from '../log.ts';
import type { ActiveRun } from './active-run.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import type { KernelRecord } from './kernel-record.ts';
import type { RunOutcome } from './outcome.ts';
import { type EndedAt, readEnd } from './read-end.ts';

export interface ReachKernelDeps {
  kernels: ChannelKernels;
  log: Log;
}

export interface ReachedKernel {
  record: KernelRecord;
  connection: KernelConnection;
}

/** The kernel of a run, connected and answering; or how the run ends because there is none. */
export async function reachKernel(
  active: ActiveRun,
  deps: ReachKernelDeps,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  const { run } = active;
  const at: EndedAt = {
    kernelspec: run.data.kernelspec,
    durationMs: 0,
    executionCount: undefined,
    isKnownToRun: false,
  };
  try {
    if (run.data.sent !== undefined) return await reachLeftKernel(active, deps.kernels, at);
    const { workspace, channel, lane, runner, thread } = run;
    const sinceMs = Date.now();
    const ready = await deps.kernels.ready(
      { workspace, channel, lane, runner, thread },
      run.data.kernelspec,
      {
        onStarting: () => active.show({ kind: 'startingKernel', sinceMs, turnsBefore: 0 }),
        onTurn: (turnsBefore) => active.show({ kind: 'startingKernel', sinceMs, turnsBefore }),
      },
      active.signal,
    );
    if (ready.note !== undefined) await active.change({}, { notes: [...run.data.notes, ready.note] });
    return ready;
  } catch (error) {
    if (active.signal.aborted) return { outcome: readEnd({ kind: 'notSent' }, active.stopReason, at) };
    if (!(error instanceof GatewayError)) throw error;
    deps.log.warn({ err: error, run: run.id }, 'the kernel could not be reached');
    const kind = error.code === 'startFailed' || error.code === 'refused' ? 'notStarted' : 'gatewayAway';
    const away = readEnd({ kind: 'gatewayAway', detail: error.message }, active.stopReason, at);
    return { outcome: { ...away, kind } };
  }
}

/** After a crash: the kernel that the predecessor wrote to, with its session, so that the gateway replays. */
async function reachLeftKernel(
  active: ActiveRun,
  kernels: ChannelKernels,
  at: EndedAt,
): Promise<ReachedKernel | { outcome: RunOutcome }> {
  const left = active.run.data.sent;
  const { lane, state } = active.run;
  // A stop cannot take back what was sent: it waits for the connection and interrupts there.
  const { signal: untilConnected } = new AbortController();
  const connection = await kernels
    .reattach(lane, left?.kernelId ?? '', untilConnected)
    .catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'kernelGone') return undefined;
      throw error;
    });
  const record = await kernels.find(lane);
  if (connection !== undefined && record !== undefined) return { connection, record };
  const end = { kind: 'kernelGone', variablesLost: true } as const;
  const gone = readEnd(end, active.stopReason, { ...at, isKnownToRun: state === 'sent' });
  return { outcome: state === 'sending' ? { ...gone, kind: 'unknown' } : gone };
}
