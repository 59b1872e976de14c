import { isStatus, type Output, type Status } from '../../gateway/outputs.ts';
import type { Log } from '../../log.ts';
import type { ActiveRun } from './active-run.ts';
import { askInput } from './ask-input.ts';
import { restartedNote } from './channel-kernels.ts';
import type { KernelRecord } from './kernel-record.ts';
import type { RunPhase } from '../run-view.ts';

/** What an output changes beside the transcript: the ledger's state, the phase on the screen. */
export async function noteOutput(
  active: ActiveRun,
  output: Output | Status,
  record: KernelRecord,
  deps: { log: Log; inputTimeoutMs: number },
): Promise<void> {
  const { phase } = active;
  const stopping = active.signal.aborted;
  switch (output.kind) {
    case 'started': {
      const sinceMs = active.run.data.startedAt ?? Date.now();
      await active.change({ state: 'sent' }, { startedAt: sinceMs });
      active.show({ kind: 'running', sinceMs, stopping, stopIgnored: false });
      return;
    }
    case 'counted':
      await noteCount(active, output.executionCount, record);
      return;
    case 'quiet':
      if (phase.kind === 'running') active.show({ ...phase, quietMs: output.quietMs });
      return;
    case 'behindOthers':
      active.show({
        kind: 'running',
        sinceMs: Date.now(),
        stopping,
        stopIgnored: false,
        behindOthers: true,
      });
      return;
    case 'inputMayBeLost':
      if (phase.kind === 'running') active.show({ ...phase, inputMayBeLost: true });
      return;
    case 'stopIgnored':
      active.show({ ...asRunning(active), stopIgnored: true });
      return;
    case 'inputRequest':
      await askInput(active, output, deps.inputTimeoutMs);
      return;
    case 'disconnected':
      deps.log.info({ run: active.run.id }, 'the kernel’s websocket dropped; reconnecting');
      return;
    case 'outage': {
      const { code, detail, isCutOff } = output;
      deps.log.warn({ run: active.run.id, code, detail, isCutOff }, 'the gateway is away or refuses us');
      active.showTrouble({ code, detail, isCutOff });
      return;
    }
    case 'outageOver':
      active.showTrouble(undefined);
      return;
    default:
      // What the kernel says now shows that it does not wait for a line.
      if (phase.kind === 'running' && phase.inputMayBeLost === true && !isStatus(output))
        return active.show({ ...phase, inputMayBeLost: false });
      active.refresh();
  }
}

/** The kernel may have got it without a word. */
function asRunning({ phase, run }: ActiveRun): RunPhase & { kind: 'running' } {
  if (phase.kind === 'running') return phase;
  const sinceMs = run.data.startedAt ?? Date.now();
  return { kind: 'running', sinceMs, stopping: true, stopIgnored: false };
}

/** A count that fell: the gateway restarted the kernel while nobody was connected. */
async function noteCount(active: ActiveRun, executionCount: number, record: KernelRecord): Promise<void> {
  const restarted =
    executionCount > 0 && executionCount <= record.executionCount && active.run.data.block === 0;
  const notes =
    restarted && !active.run.data.notes.includes(restartedNote)
      ? [...active.run.data.notes, restartedNote]
      : active.run.data.notes;
  if (executionCount !== active.run.data.executionCount) await active.change({}, { executionCount, notes });
}
