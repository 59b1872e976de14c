import { randomUUID } from 'node:crypto';
import type { RunningExecution } from '../execution/execution.ts';
import type { Log } from '../gateway.ts';
import type { ReceivedSoFar, Output } from '../outputs.ts';
import { isBusy, isWordOfGateway, readKernelSign, readOutput } from '../protocol/messages.ts';
import { commOpen, decodeMessage, type KernelMessage } from '../protocol/wire.ts';
import type { ExecutionQueue } from './execution-queue.ts';
import type { Lifecycle } from './lifecycle.ts';
import { ReceivedMessages } from './received-messages.ts';
import { OrderProof } from './silence.ts';

/** Gives each message of one connection, once, to what it belongs to: by its parent's id alone (protocol.md §2.2). */
export class Router {
  readonly received: ReceivedMessages;
  readonly replay: ReplayBuffer;
  readonly proof: OrderProof;
  readonly #kernelId: string;
  readonly #sessionId: string;
  readonly #log: Log;
  readonly #queue: ExecutionQueue;
  readonly #lifecycle: Lifecycle;
  readonly #onLateOutput: (msgId: string, output: Output) => void;
  /** By comm: who waits for whether its target is there. */
  readonly #openings = new Map<unknown, (isThere: boolean) => void>();

  /** `before`: what an earlier process received of the execution that will be resumed. */
  constructor(
    { kernelId, sessionId }: { kernelId: string; sessionId: string },
    before: ReceivedSoFar | undefined,
    queue: ExecutionQueue,
    lifecycle: Lifecycle,
    log: Log,
    onReplayFull: (isFull: boolean) => void,
    onLateOutput: (msgId: string, output: Output) => void,
  ) {
    this.#kernelId = kernelId;
    this.#sessionId = sessionId;
    this.#log = log;
    this.received = new ReceivedMessages(before);
    this.replay = new ReplayBuffer(onReplayFull);
    this.#queue = queue;
    this.#lifecycle = lifecycle;
    this.proof = new OrderProof(sessionId, (message) => queue.send(message));
    this.#onLateOutput = onLateOutput;
  }

  /** Nothing that a kernel sends may end the process: what throws here is the loss of one message. */
  takeJson(json: string, bytes: number): void {
    let message: KernelMessage | undefined;
    try {
      message = decodeMessage(json, bytes);
      if (message !== undefined) this.take(message);
    } catch (cause) {
      this.#log.warn(
        { event: 'message.unreadable', kernelId: this.#kernelId, err: cause },
        'a message of a kernel could not be read',
      );
      if (message !== undefined) this.#queue.find(message.parentId)?.notifyLost({ kind: 'unreadable' });
    }
  }

  take(message: KernelMessage): void {
    const { received } = this;
    const queue = this.#queue;
    const lifecycle = this.#lifecycle;
    // The gateway numbers its own messages anew with each websocket: none of them is ever a repetition.
    if (!isWordOfGateway(message) && !received.isNew(message.msgId)) return;
    const execution = queue.find(message.parentId);
    if (execution !== undefined) return this.#deliver(execution, message);
    if (this.proof.take(message)) return;
    const isOurs = message.parentType === 'execute_request' && message.parentSession === this.#sessionId;
    const hasError = queue.endedWithError(message.parentId);
    // Counted when it is claimed.
    if (isOurs && hasError === undefined) return this.replay.add(message);
    received.countOther(message.msgId);
    if (hasError !== undefined) return this.#takeLate(message.parentId, hasError, message);
    if (this.#takeFromThread(message) || this.#takeFromPlugin(message)) return;
    if (lifecycle.handshake.take(message)) return;
    const sign = readKernelSign(message);
    if (sign !== undefined) lifecycle.take(sign, message.session);
  }

  /** Gives an execution that an earlier process wrote what the gateway has replayed of it. */
  replayTo(execution: RunningExecution): void {
    const replayed = this.replay.take(execution.msgId);
    // A replay that begins with the beginning lacks nothing; any other may.
    if (replayed[0] === undefined || !isBusy(replayed[0])) execution.ending.markGap();
    for (const message of replayed) this.#deliver(execution, message);
  }

  /** See `KernelConnection`. */
  openComm(target: string): Promise<boolean> {
    const commId = randomUUID();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#queue.send(commOpen(this.#sessionId, commId, target))) this.#openings.set(commId, resolve);
    else resolve(false);
    return promise;
  }

  #deliver(execution: RunningExecution, message: KernelMessage): void {
    if (!execution.state.started && isBusy(message)) this.received.begin(message.msgId);
    else this.received.countOwn(message.msgId);
    execution.take(message);
  }

  /**
   * ipykernel gives what a thread says the parent of the last request on shell: after a reconnect that is our handshake,
   * which itself has no output. A handshake has its turn after what was running: of what runs, the end is what the broken
   * connection lost.
   */
  #takeFromThread(message: KernelMessage): boolean {
    if (message.parentType !== 'kernel_info_request' || message.parentSession !== this.#sessionId)
      return false;
    const output = readOutput(message);
    if (output === undefined || output.kind === 'comm') return false;
    const running = this.#queue.begun();
    if (running !== undefined) running.notify(output, message.bytes);
    else if (this.#queue.lastEnded !== undefined) this.#takeLate(this.#queue.lastEnded, false, message);
    return true;
  }

  /** What a plugin of the kernel says has the opening of its comm as its parent, whenever it speaks (protocol.md §3.14). */
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
    // A thread that asks after the end would block its kernel for ever.
    if (message.type === 'input_request') return this.#queue.answerInput(message, '');
    const output = readOutput(message);
    if (output === undefined || output.kind === 'comm' || (output.kind === 'error' && hasError)) return;
    this.#onLateOutput(msgId, output);
  }
}

const HIGH_BYTES = 4 * 2 ** 20;
/** What a message costs beside its frame. */
const OVERHEAD_BYTES = 200;

/**
 * Messages of executions that an earlier process wrote under our session id: the gateway replays them before anybody
 * can have called `resume`. Over `HIGH_BYTES` the websocket is to be paused until they are claimed or dropped.
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

  /** Hands over what came for `msgId`; what belongs to others stays. */
  take(msgId: string): KernelMessage[] {
    const messages = this.#byExecution.get(msgId) ?? [];
    this.#byExecution.delete(msgId);
    this.#weigh(-messages.reduce((sum, { bytes }) => sum + bytes + OVERHEAD_BYTES, 0));
    return messages;
  }

  dropIn(ms: number): void {
    this.#timer = setTimeout(() => this.drop(), ms).unref();
  }

  /** Nothing will be claimed any more. */
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
