import { randomUUID } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { RunningExecution } from '../execution/execution.ts';
import type { KernelModel } from '../gateway.ts';
import { isOfOtherProcess, readExecuteReply } from '../protocol/messages.ts';
import { executeRequest, type KernelMessage, type OutgoingMessage } from '../protocol/wire.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import type { Lifecycle } from './lifecycle.ts';

/**
 * Requests the kernel's model when nothing of an execution has arrived for a while. A model shows what the gateway has
 * seen and may be wrong for ever (protocol.md §1.1, §3.12), so it ends nothing: if it contradicts a running execution,
 * the kernel is asked on the websocket.
 */
export function createSilenceWatch(
  { kernelId, timings, findKernel }: SocketOptions,
  socket: ReconnectingSocket,
  lifecycle: Lifecycle,
  proof: OrderProof,
): (execution: RunningExecution, silentMs: number) => Promise<void> {
  /** The websocket on which the kernel was asked and has not answered yet. */
  const asked = new WeakMap<RunningExecution, number>();
  const reopenedFor = new WeakSet<RunningExecution>();
  const { handshake } = lifecycle;

  async function look(execution: RunningExecution, silentMs: number): Promise<void> {
    const model = await ask(execution);
    if (execution.isOver) return;
    execution.lookIn(timings.silenceMs);
    // Whether the gateway itself is there is found by the pings.
    if (model === 'unknown') return;
    socket.outage.callAnswered();
    if (model === undefined || model.executionState === 'dead')
      return lifecycle.gone('the gateway does not have it any more');
    // `busy` fits a long computation, unless a break of the websocket may have hidden a new process or the end.
    if (model.executionState !== 'busy' || execution.ending.hasGap) {
      if (isUnreachable(execution, model))
        return execution.finishAs('unknown', 'the kernel is idle and answers nothing');
      askKernel(execution, model);
    }
    wait(execution, model, silentMs);
  }

  async function ask(execution: RunningExecution): Promise<KernelModel | undefined | 'unknown'> {
    if (!socket.isOpen) return 'unknown';
    try {
      return await findKernel(kernelId);
    } catch (failure) {
      socket.outage.callFailed(failure);
      // The upgrade of a new websocket tells whether the kernel is gone.
      const isRefused = failure instanceof GatewayError && failure.code === 'refused';
      if (isRefused && !reopenedFor.has(execution)) {
        reopenedFor.add(execution);
        lifecycle.reopen();
      }
      return 'unknown';
    }
  }

  /**
   * Whether our requests do not reach the kernel, not even on new websockets. An execution that has begun did reach it;
   * after a reconnect any answer proves that the websocket works.
   */
  function isUnreachable(execution: RunningExecution, model: KernelModel): boolean {
    if (model.executionState !== 'idle') return false;
    const { started } = execution.state;
    if (started && (!execution.ending.hasGap || handshake.hasAnswered)) return false;
    return lifecycle.stale.renewIfStale() && !started;
  }

  /** Asks the kernel, and ends the execution if the kernel has no work left for it. */
  function askKernel(execution: RunningExecution, model: KernelModel): void {
    if (model.executionState !== 'busy') handshake.askOnControl();
    if (asked.get(execution) === handshake.websocket) return;
    // Before the kernel has said what it is, only kernel_info can be asked.
    const isSent =
      handshake.isIpykernel || !handshake.hasAnswered
        ? handshake.ask(() => (handshake.isIpykernel ? conclude(execution, undefined) : askAgain(execution)))
        : proof.ask((replied) => conclude(execution, replied));
    // If the websocket has just broken, a later look asks again.
    if (isSent) asked.set(execution, handshake.websocket);
  }

  /** The kernel has no work left for the execution, or is a new process according to the count in its reply. */
  function conclude(execution: RunningExecution, replied: number | undefined): void {
    asked.delete(execution);
    if (isOfOther(execution, replied)) return lifecycle.onOtherProcess();
    const { started, reply, idle } = execution.state;
    // Nothing is lost: its end waits until it is known whether the kernel is ending.
    if (reply !== undefined && idle) return;
    const kind = started ? 'outputLost' : 'unknown';
    const end = () => execution.finishAs(kind, 'the kernel has nothing of it left to do');
    execution.ending.unlessHeard(timings.graceMs, end);
  }

  /** The kernel's implementation is known by now, and with it the right way to ask. */
  function askAgain(execution: RunningExecution): void {
    asked.delete(execution);
    if (!execution.isOver) execution.lookIn(0);
  }

  function isOfOther(execution: RunningExecution, replied: number | undefined): boolean {
    const { leastCount, isOver } = execution;
    return !isOver && leastCount !== undefined && isOfOtherProcess(handshake.info, replied, leastCount);
  }

  function wait(execution: RunningExecution, model: KernelModel, silentMs: number): void {
    const { executionState, connections = 0 } = model;
    if (silentMs >= timings.silenceMs) execution.notify({ kind: 'quiet', quietMs: Math.round(silentMs) });
    if (executionState !== 'busy') {
      if (!execution.state.started) execution.lookIn(timings.firstLookMs * 2);
      return;
    }
    if (lifecycle.isBusyElsewhere) return execution.notifyBehindOthers();
    // Nobody else is connected, so the kernel is busy with our code.
    if (connections <= 1) execution.markRunning();
    if (execution.phase === 'running') execution.input.settleDoubt(handshake.isIpykernel);
  }

  return look;
}

/**
 * Asks a kernel by an empty execution behind the silent one. Kernels run executions in order, so its reply proves that
 * the earlier one has ended, and its count reveals a new process (protocol.md §3.12). It shows nothing and waits in the
 * kernel while code runs.
 */
export class OrderProof {
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => boolean;
  readonly #asked = new Map<string, (executionCount: number | undefined) => void>();

  /** `send` returns false if nothing may be written. */
  constructor(sessionId: string, send: (message: OutgoingMessage) => boolean) {
    this.#sessionId = sessionId;
    this.#send = send;
  }

  /** `onProven` gets the count in the reply. False if nothing could be sent. */
  ask(onProven: (executionCount: number | undefined) => void): boolean {
    const msgId = randomUUID();
    const request = { code: '', allowStdin: false, silent: true };
    const isSent = this.#send(executeRequest(this.#sessionId, msgId, request));
    if (isSent) this.#asked.set(msgId, onProven);
    return isSent;
  }

  /** True if the message belongs to a proof. */
  take(message: KernelMessage): boolean {
    const onProven = this.#asked.get(message.parentId);
    if (onProven === undefined) return false;
    if (message.type !== 'execute_reply') return true;
    this.#asked.delete(message.parentId);
    onProven(readExecuteReply(message.content).executionCount);
    return true;
  }
}
