import { randomUUID } from 'node:crypto';
import type { RunningExecution } from '../execution/execution.ts';
import type { KernelModel } from '../gateway.ts';
import { isIpykernel, isOfOtherProcess, readExecuteReply } from '../protocol/messages.ts';
import { executeRequest, type KernelMessage, type OutgoingMessage } from '../protocol/wire.ts';
import type { ReconnectingSocket } from '../socket/reconnecting-socket.ts';
import type { SocketOptions } from '../socket/upgrade.ts';
import type { Lifecycle } from './lifecycle.ts';

type Verdict =
  /** Nothing wrong: a long computation says nothing. */
  | 'wait'
  /** Ask the kernel itself whether it has anything of ours left to do. */
  | 'ask'
  | 'gone';

/**
 * Asks for the kernel's model when nothing of an execution came for a while. A model says how things stand as the gateway
 * has seen them, which may be wrong for ever (protocol.md §1.1, §3.12), so it ends nothing: what contradicts a running
 * execution is asked of the kernel on the websocket.
 */
export function createSilenceWatch(
  { kernelId, timings, findKernel }: SocketOptions,
  socket: ReconnectingSocket,
  lifecycle: Lifecycle,
  proof: OrderProof,
): (execution: RunningExecution, silentMs: number) => Promise<void> {
  /** On which websocket the kernel was asked and has not answered yet. */
  const asked = new WeakMap<RunningExecution, number>();
  const { handshake } = lifecycle;

  async function look(execution: RunningExecution, silentMs: number): Promise<void> {
    const model = await ask();
    if (execution.isOver) return;
    execution.lookIn(timings.silenceMs);
    // The pings find out whether the gateway is there at all.
    if (model === 'unknown') return;
    socket.outage.callAnswered();
    const verdict = classify(execution, model);
    switch (verdict) {
      case 'ask':
        if (isUnreachable(execution, model))
          return execution.finishAs('unknown', 'the kernel is idle and answers nothing');
        askKernel(execution, model);
        return wait(execution, model, silentMs);
      case 'wait':
        return wait(execution, model, silentMs);
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

  /**
   * What we wrote did not arrive, on new websockets neither. A request that began has arrived; after a broken connection
   * any answer proves that the websocket works.
   */
  function isUnreachable(execution: RunningExecution, model: KernelModel | undefined): boolean {
    if (model?.executionState !== 'idle') return false;
    const { started } = execution.state;
    if (started && (!execution.ending.hasGap || handshake.hasAnswered)) return false;
    return lifecycle.stale.renewIfStale() && !started;
  }

  /** Ends the execution when the kernel proves that it has nothing of it left to do. */
  function askKernel(execution: RunningExecution, model: KernelModel | undefined): void {
    if (model?.executionState !== 'busy') handshake.askAside();
    if (asked.get(execution) === handshake.websocket) return;
    // A kernel that has not told what it is has not answered on this websocket either.
    const isSent =
      isIpykernel(handshake.info) || !handshake.hasAnswered
        ? handshake.ask(() =>
            isIpykernel(handshake.info) ? conclude(execution, undefined) : askAgain(execution),
          )
        : proof.ask((replied) => conclude(execution, replied));
    // The websocket may have broken during the look: the next one asks.
    if (isSent) asked.set(execution, handshake.websocket);
  }

  /** The kernel has nothing of it left to do, or is another process, as the count of its reply says. */
  function conclude(execution: RunningExecution, replied: number | undefined): void {
    asked.delete(execution);
    if (isOfOther(execution, replied)) return lifecycle.onOtherProcess();
    const kind = execution.state.started ? 'outputLost' : 'unknown';
    const end = () => execution.finishAs(kind, 'the kernel has nothing of it left to do');
    execution.ending.unlessHeard(timings.graceMs, end);
  }

  /** By now it is known how this kernel proves it. */
  function askAgain(execution: RunningExecution): void {
    asked.delete(execution);
    if (!execution.isOver) execution.lookIn(0);
  }

  function isOfOther(execution: RunningExecution, replied: number | undefined): boolean {
    const { leastCount, isOver } = execution;
    return !isOver && leastCount !== undefined && isOfOtherProcess(handshake.info, replied, leastCount);
  }

  function wait(execution: RunningExecution, model: KernelModel | undefined, silentMs: number): void {
    const { executionState = '', connections = 0 } = model ?? {};
    if (silentMs >= timings.silenceMs)
      execution.notify({ kind: 'quiet', executionState, quietMs: Math.round(silentMs) });
    if (executionState !== 'busy') {
      if (!execution.state.started) execution.lookIn(timings.firstLookMs * 2);
      return;
    }
    if (lifecycle.isBusyElsewhere) return execution.notifyBehindOthers();
    // Nobody else is connected, so it is our code that it works on.
    if (connections <= 1) execution.markRunning();
    if (execution.phase === 'running') execution.input.settleDoubt(isIpykernel(handshake.info));
  }

  return look;
}

/** What the kernel's model means for an execution of which nothing came for a while. */
function classify(execution: RunningExecution, model: KernelModel | undefined): Verdict {
  if (model === undefined || model.executionState === 'dead') return 'gone';
  // Busy contradicts nothing, unless the process may have been replaced, or the end been lost, with a websocket.
  return model.executionState === 'busy' && !execution.ending.hasGap ? 'wait' : 'ask';
}

/**
 * Asks a kernel by an empty execution behind one of which nothing comes: every kernel takes executions in order, so its
 * reply proves that the one before has ended, and its count tells a new process (protocol.md §3.12). It does nothing,
 * shows nothing, and waits in the kernel for as long as the code before it runs.
 */
export class OrderProof {
  readonly #sessionId: string;
  readonly #send: (message: OutgoingMessage) => boolean;
  readonly #asked = new Map<string, (executionCount: number | undefined) => void>();

  /** `send` gives false when nothing may be written. */
  constructor(sessionId: string, send: (message: OutgoingMessage) => boolean) {
    this.#sessionId = sessionId;
    this.#send = send;
  }

  /** `onProven` gets the count that the reply names. False when nothing could be sent. */
  ask(onProven: (executionCount: number | undefined) => void): boolean {
    const msgId = randomUUID();
    const request = { code: '', allowStdin: false, silent: true };
    const isSent = this.#send(executeRequest(this.#sessionId, msgId, request));
    if (isSent) this.#asked.set(msgId, onProven);
    return isSent;
  }

  /** True when the message belongs to a proof. */
  take(message: KernelMessage): boolean {
    const onProven = this.#asked.get(message.parentId);
    if (onProven === undefined) return false;
    if (message.type !== 'execute_reply') return true;
    this.#asked.delete(message.parentId);
    onProven(readExecuteReply(message.content).executionCount);
    return true;
  }
}
