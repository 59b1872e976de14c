import type { Lifecycle } from '../connection/lifecycle.ts';
import type { KernelInfo, KernelModel } from '../gateway.ts';
import type { KernelsApi } from '../http/kernels-api.ts';
import { dropsSpareLines, isStrictlyOrdered } from '../protocol/messages.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/websocket.ts';
import type { RunningExecution } from './execution.ts';

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
export class SilenceWatch {
  readonly #options: SocketOptions;
  readonly #socket: ReconnectingSocket;
  readonly #lifecycle: Lifecycle;
  readonly #findKernel: KernelsApi['findKernel'];
  readonly #readInfo: () => KernelInfo;
  readonly #before = new WeakMap<RunningExecution, { state: string; same: number }>();

  constructor(
    options: SocketOptions,
    socket: ReconnectingSocket,
    lifecycle: Lifecycle,
    findKernel: KernelsApi['findKernel'],
    readInfo: () => KernelInfo,
  ) {
    this.#options = options;
    this.#socket = socket;
    this.#lifecycle = lifecycle;
    this.#findKernel = findKernel;
    this.#readInfo = readInfo;
  }

  async look(execution: RunningExecution, silentMs: number): Promise<void> {
    const { timings } = this.#options;
    const lifecycle = this.#lifecycle;
    const model = await this.#ask();
    if (execution.isOver) return;
    execution.lookIn(timings.silenceMs);
    // The pings find out whether the gateway is there at all.
    if (model === 'unknown') return;
    this.#socket.outage.callAnswered();
    const verdict = this.#judge(execution, model);
    const lost = execution.state.started ? 'outputLost' : 'unknown';
    switch (verdict) {
      case 'wait':
        return this.#wait(execution, model, silentMs);
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

  async #ask(): Promise<KernelModel | undefined | 'unknown'> {
    if (!this.#socket.isOpen) return 'unknown';
    try {
      return await this.#findKernel(this.#options.kernelId);
    } catch (failure) {
      this.#socket.outage.callFailed(failure);
      return 'unknown';
    }
  }

  /** What the kernel's model means for an execution of which nothing came for a while. */
  #judge(execution: RunningExecution, model: KernelModel | undefined): Verdict {
    if (model === undefined || model.executionState === 'dead') return 'gone';
    const sameLooks = this.#countSame(execution, `${model.executionState} ${execution.lastMessageMs}`);
    if (model.executionState === 'idle') {
      if (isStrictlyOrdered(this.#readInfo())) return 'prove';
      return sameLooks >= 1 ? 'lost' : 'wait';
    }
    // Kernel Gateway says `starting` from a restart until a client makes the kernel speak (protocol.md §1.1, trap 34).
    if (model.executionState === 'starting' && execution.state.started)
      return sameLooks >= 1 ? 'died' : 'wait';
    return 'wait';
  }

  /** How often the kernel was found in this state by looks without a message in between. */
  #countSame(execution: RunningExecution, state: string): number {
    const last = this.#before.get(execution);
    const same = last?.state === state ? last.same + 1 : 0;
    this.#before.set(execution, { state, same });
    return same;
  }

  #wait(execution: RunningExecution, model: KernelModel | undefined, silentMs: number): void {
    const { timings } = this.#options;
    const executionState = model?.executionState ?? '';
    if (silentMs >= timings.silenceMs)
      execution.tell({ kind: 'quiet', executionState, quietMs: Math.round(silentMs) });
    if (executionState !== 'busy') return execution.lookIn(timings.firstLookMs * 2);
    if (this.#lifecycle.isBusyElsewhere) return execution.tellBehindOthers();
    // Nobody else is connected, so it is our code that it works on.
    if ((model?.connections ?? 0) <= 1) execution.markRunning();
    execution.settleInput(dropsSpareLines(this.#readInfo()));
  }
}
