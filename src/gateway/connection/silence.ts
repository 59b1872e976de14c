import type { Lifecycle } from './lifecycle.ts';
import type { KernelInfo, KernelModel } from '../gateway.ts';
import { dropsSpareLines, isStrictlyOrdered } from '../protocol/messages.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/websocket.ts';
import type { RunningExecution } from '../execution/execution.ts';

type Verdict =
  /** Nothing wrong: a long computation says nothing. */
  | 'wait'
  /** Ask for proof that the kernel has nothing of ours left to do. */
  | 'prove'
  /** Over, and how it went is lost. */
  | 'lost'
  | 'died'
  | 'gone';

/** Asks for the kernel's model when nothing of an execution came for a while, and draws the conclusion. */
export function createSilenceWatch(
  { kernelId, timings, findKernel }: SocketOptions,
  socket: ReconnectingSocket,
  lifecycle: Lifecycle,
  readInfo: () => KernelInfo,
): (execution: RunningExecution, silentMs: number) => Promise<void> {
  const before = new WeakMap<RunningExecution, { state: string; same: number }>();

  async function look(execution: RunningExecution, silentMs: number): Promise<void> {
    const model = await ask();
    if (execution.isOver) return;
    execution.lookIn(timings.silenceMs);
    // The pings find out whether the gateway is there at all.
    if (model === 'unknown') return;
    socket.outage.callAnswered();
    const verdict = classify(execution, model);
    const lost = execution.state.started ? 'outputLost' : 'unknown';
    switch (verdict) {
      case 'wait':
        return wait(execution, model, silentMs);
      case 'prove':
        if (lifecycle.stale.renewIfStale())
          return execution.finishAs(lost, 'the kernel is idle and answers nothing');
        return lifecycle.handshake.ask(() => execution.finishUnlessHeard(lost, timings.graceMs));
      case 'lost':
        return execution.finishAs(lost, 'the kernel is idle and nothing of the reply came');
      case 'died':
        return lifecycle.died();
      case 'gone':
        return lifecycle.gone('the gateway does not have it any more');
      default:
        return verdict satisfies never;
    }
  }

  async function ask(): Promise<KernelModel | undefined | 'unknown'> {
    if (!socket.isOpen) return 'unknown';
    try {
      return await findKernel(kernelId);
    } catch (failure) {
      socket.outage.callFailed(failure);
      return 'unknown';
    }
  }

  /** What the kernel's model means for an execution of which nothing came for a while. */
  function classify(execution: RunningExecution, model: KernelModel | undefined): Verdict {
    if (model === undefined || model.executionState === 'dead') return 'gone';
    const { executionState } = model;
    // How often the kernel was found in this state by looks without a message in between.
    const state = `${executionState} ${execution.lastMessageMs}`;
    const last = before.get(execution);
    const same = last?.state === state ? last.same + 1 : 0;
    before.set(execution, { state, same });
    // A kernel_info_reply proves that it is over only where shell is strictly ordered (protocol.md §3.8).
    if (executionState === 'idle' && isStrictlyOrdered(readInfo())) return 'prove';
    if (executionState === 'idle') return same >= 1 ? 'lost' : 'wait';
    // Kernel Gateway says `starting` from a restart until a client makes the kernel speak (protocol.md §1.1, trap 34).
    const isReplaced = executionState === 'starting' && execution.state.started && same >= 1;
    return isReplaced ? 'died' : 'wait';
  }

  function wait(execution: RunningExecution, model: KernelModel | undefined, silentMs: number): void {
    const { executionState = '', connections = 0 } = model ?? {};
    if (silentMs >= timings.silenceMs)
      execution.notify({ kind: 'quiet', executionState, quietMs: Math.round(silentMs) });
    if (executionState !== 'busy') return execution.lookIn(timings.firstLookMs * 2);
    if (lifecycle.isBusyElsewhere) return execution.notifyBehindOthers();
    // Nobody else is connected, so it is our code that it works on.
    if (connections <= 1) execution.markRunning();
    execution.settleInput(dropsSpareLines(readInfo()));
  }

  return look;
}
