import { randomUUID } from 'node:crypto';
import type { RunningExecution } from '../execution/execution.ts';
import type { Log } from '../gateway.ts';
import type { ReceivedSoFar, Output } from '../outputs.ts';
import { isBusy, isFromGateway, readKernelSign, readOutput } from '../protocol/messages.ts';
import { commOpen, decodeMessage, type KernelMessage } from '../protocol/wire.ts';
import type { ExecutionQueue } from './execution-queue.ts';
import type { Lifecycle } from './lifecycle.ts';
import { ReceivedMessages } from './received-messages.ts';
import { OrderProof } from './silence.ts';

/**
 * Delivers each message of one connection once. It belongs to the execution that its parent id names (protocol.md
 * §2.2).
 */
export class Router {
  readonly received: ReceivedMessages;
  readonly replay: ReplayBuffer;
  readonly proof: OrderProof;
  readonly #ids: { kernelId: string; sessionId: string };
  readonly #log: Log;
  readonly #queue: ExecutionQueue;
  readonly #lifecycle: Lifecycle;
  readonly #onLateOutput: (msgId: string, output: Output) => void;
  /** By comm id: resolves whether its target exists. */
  readonly #openings = new Map<unknown, (isThere: boolean) => void>();

  /** `before`: what an earlier process received of the execution that will be resumed. */
  constructor(
    ids: { kernelId: string; sessionId: string },
    before: ReceivedSoFar | undefined,
    queue: ExecutionQueue,
    lifecycle: Lifecycle,
    log: Log,
    onReplayFull: (isFull: boolean) => void,
    onLateOutput: (msgId: string, output: Output) => void,
  ) {
    this.#ids = ids;
    this.#log = log;
    this.received = new ReceivedMessages(before);
    this.replay = new ReplayBuffer(onReplayFull);
    this.#queue = queue;
    this.#lifecycle = lifecycle;
    this.proof = new OrderProof(ids.sessionId, (message) => queue.send(message));
    this.#onLateOutput = onLateOutput;
  }

  /** A message must never end the process: an error here loses only this message. */
  takeJson(json: string, bytes: number): void {
    let message: KernelMessage | undefined;
    try {
      message = decodeMessage(json, bytes);
      if (message !== undefined) this.take(message);
    } catch (cause) {
      this.#log.warn(
        { event: 'message.unreadable', kernelId: this.#ids.kernelId, err: cause },
        'could not read a message of a kernel',
      );
      if (message !== undefined) this.#queue.find(message.parentId)?.notifyLost({ kind: 'unreadable' });
    }
  }

  take(message: KernelMessage): void {
    const { received } = this;
    const queue = this.#queue;
    const lifecycle = this.#lifecycle;
    // The gateway numbers its own messages anew for each websocket, so they are never repetitions.
    if (!isFromGateway(message) && !received.isNew(message.msgId)) return;
    const execution = queue.find(message.parentId);
    if (execution !== undefined) return this.#deliver(execution, message);
    if (this.proof.take(message)) return;
    const isOurs = message.parentType === 'execute_request' && message.parentSession === this.#ids.sessionId;
    const hasError = queue.endedWithError(message.parentId);
    // It is counted when its execution is resumed.
    if (isOurs && hasError === undefined) return this.replay.add(message);
    received.countOther(message.msgId);
    if (hasError !== undefined) return this.#takeLate(message.parentId, hasError, message);
    if (this.#takeFromThread(message) || this.#takeFromPlugin(message)) return;
    if (lifecycle.handshake.take(message)) return;
    const sign = readKernelSign(message);
    if (sign !== undefined) lifecycle.take(sign, message.session);
  }

  /** Delivers the gateway's replay of an execution that an earlier process wrote. */
  replayTo(execution: RunningExecution): void {
    const replayed = this.replay.take(execution.msgId);
    // A replay that contains the execution's beginning is complete; any other may not be.
    if (replayed[0] === undefined || !isBusy(replayed[0])) execution.ending.markGap();
    for (const message of replayed) this.#deliver(execution, message);
  }

  /** See `KernelConnection`. */
  openComm(target: string): Promise<boolean> {
    const commId = randomUUID();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#queue.send(commOpen(this.#ids.sessionId, commId, target))) this.#openings.set(commId, resolve);
    else resolve(false);
    return promise;
  }

  #deliver(execution: RunningExecution, message: KernelMessage): void {
    if (!execution.state.started && isBusy(message)) this.received.begin(message.msgId);
    else this.received.countOwn(message.msgId);
    execution.take(message);
  }

  /**
   * Output of a thread: ipykernel gives it the latest shell request as its parent, which after a reconnect is our
   * handshake. A handshake itself has no output, and its idle comes after the code that was running.
   */
  #takeFromThread(message: KernelMessage): boolean {
    if (message.parentType !== 'kernel_info_request' || message.parentSession !== this.#ids.sessionId)
      return false;
    const output = readOutput(message);
    if (output === undefined || output.kind === 'comm') return false;
    const running = this.#queue.begun();
    if (running !== undefined) running.notify(output, message.bytes);
    else if (this.#queue.lastEnded !== undefined) this.#takeLate(this.#queue.lastEnded, false, message);
    return true;
  }

  /** A message of a kernel plugin: its parent is always the opening of its comm (protocol.md §3.14). */
  #takeFromPlugin(message: KernelMessage): boolean {
    const { parentType, type, content, bytes } = message;
    if (parentType !== 'comm_open' || !type.startsWith('comm_')) return false;
    const commId = content['comm_id'];
    this.#openings.get(commId)?.(type === 'comm_msg');
    this.#openings.delete(commId);
    const output = readOutput(message);
    const running = this.#queue.begun();
    if (output?.kind === 'comm') running?.notify(output, bytes);
    return true;
  }

  #takeLate(msgId: string, hasError: boolean, message: KernelMessage): void {
    // Without an answer, a thread that asks for input after the end would block its kernel for ever.
    if (message.type === 'input_request') return this.#queue.answerInput(message, '');
    const output = readOutput(message);
    if (output === undefined || output.kind === 'comm' || (output.kind === 'error' && hasError)) return;
    this.#onLateOutput(msgId, output);
  }
}

const HIGH_BYTES = 4 * 2 ** 20;
/** Memory of a message beyond its frame. */
const OVERHEAD_BYTES = 200;

/**
 * Messages of executions that an earlier process wrote with our session id: the gateway replays them before `resume`
 * can be called. Above `HIGH_BYTES` the websocket is paused until they are claimed or dropped.
 */
export class ReplayBuffer {
  readonly #byExecution = new Map<string, KernelMessage[]>();
  readonly #onFull: (isFull: boolean) => void;
  #bytes = 0;
  #isOpen = true;
  #timer: NodeJS.Timeout | undefined;
  isFull = false;

  constructor(onFull: (isFull: boolean) => void) {
    this.#onFull = onFull;
  }

  add(message: KernelMessage): void {
    if (!this.#isOpen) return;
    const others = this.#byExecution.get(message.parentId);
    if (others === undefined) this.#byExecution.set(message.parentId, [message]);
    else others.push(message);
    this.#weigh(message.bytes + OVERHEAD_BYTES);
  }

  /** Removes and returns the messages of `msgId`. */
  take(msgId: string): KernelMessage[] {
    const messages = this.#byExecution.get(msgId) ?? [];
    this.#byExecution.delete(msgId);
    this.#weigh(-messages.reduce((sum, { bytes }) => sum + bytes + OVERHEAD_BYTES, 0));
    return messages;
  }

  dropIn(ms: number): void {
    this.#timer = setTimeout(() => this.drop(), ms).unref();
  }

  /** Drops all messages; later ones are not kept either. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#isOpen = false;
    this.#byExecution.clear();
    this.#weigh(-this.#bytes);
  }

  #weigh(change: number): void {
    this.#bytes += change;
    const isFull = this.#bytes > HIGH_BYTES;
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    this.#onFull(isFull);
  }
}
