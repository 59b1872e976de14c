import type { ExecutionLine } from './execution-queue.ts';
import type { RunningExecution } from '../execution/execution.ts';
import { HeardMessages, type HeardSoFar } from './received-messages.ts';
import type { KernelGreeting } from './readiness.ts';
import type { KernelLife } from './lifecycle.ts';
import { isBusy, isWordOfGateway, readLifeSign } from '../protocol/kernel-status.ts';
import { readOutput } from '../protocol/messages.ts';
import type { KernelOutput } from '../outputs.ts';
import type { GatewayTimings } from '../timings.ts';
import { Unclaimed } from './replay-buffer.ts';
import type { KernelMessage } from '../protocol/wire.ts';

/** What the messages of one connection can concern. */
export interface IncomingHost {
  readonly sessionId: string;
  readonly timings: GatewayTimings;
  readonly line: ExecutionLine;
  readonly greeting: KernelGreeting;
  readonly life: KernelLife;
  onFull(isFull: boolean): void;
  answerInput(request: KernelMessage, value: string): void;
  onLateOutput(msgId: string, output: KernelOutput): void;
}

/** Gives each message of one connection, once, to whom it belongs: by its parent's id alone (protocol.md §2.2). */
export class IncomingMessages {
  readonly #host: IncomingHost;
  readonly #heard: HeardMessages;
  readonly #unclaimed: Unclaimed;

  /** `before`: what an earlier process heard of the execution that will be resumed. */
  constructor(host: IncomingHost, before: HeardSoFar | undefined) {
    this.#host = host;
    this.#heard = new HeardMessages(before);
    this.#unclaimed = new Unclaimed((isFull) => host.onFull(isFull));
  }

  take(message: KernelMessage): void {
    const { line, greeting, life, sessionId } = this.#host;
    // The gateway numbers its own words anew with each websocket: none of them is ever a repetition.
    if (!isWordOfGateway(message) && !this.#heard.isNew(message.msgId)) return;
    const execution = line.find(message.parentId);
    if (execution !== undefined) return this.#deliver(execution, message);
    const ended = line.findEnded(message.parentId) ?? this.#threadsOwner(message);
    const isOurs = message.parentType === 'execute_request' && message.parentSession === sessionId;
    // Counted when it is claimed.
    if (ended === undefined && isOurs) return this.#unclaimed.add(message);
    this.#heard.countOther(message.msgId);
    if (ended !== undefined) return this.#takeLate(ended, message);
    if (greeting.take(message)) return;
    const sign = readLifeSign(message);
    if (sign !== undefined) life.take(sign, message.session);
  }

  /** Every message of the kernel since the execution's first has come. */
  get isWhole(): boolean {
    return this.#heard.isWhole;
  }

  get heardSoFar(): HeardSoFar | undefined {
    return this.#heard.soFar();
  }

  /** Nothing more is read, because a replay waits to be claimed. */
  get isReplayWaiting(): boolean {
    return this.#unclaimed.isFull;
  }

  /** Gives an execution that an earlier process wrote what the gateway has replayed of it. */
  replayTo(execution: RunningExecution): void {
    const replayed = this.#unclaimed.claim(execution.msgId);
    // A replay that begins with the beginning lacks nothing; any other may.
    if (replayed[0] === undefined || !isBusy(replayed[0])) execution.markGap();
    for (const message of replayed) this.#deliver(execution, message);
  }

  /** No replay will be asked for any more. */
  dropReplay(): void {
    this.#unclaimed.drop();
  }

  dropReplayLater(): void {
    this.#unclaimed.dropIn(this.#host.timings.unclaimedMs);
  }

  #deliver(execution: RunningExecution, message: KernelMessage): void {
    if (!execution.state.started && isBusy(message)) this.#heard.begin(message.msgId);
    else this.#heard.countOwn(message.msgId);
    execution.take(message);
  }

  /**
   * ipykernel gives what a thread says the parent of the last request on shell: after a reconnect that is our greeting,
   * which itself has no output.
   */
  #threadsOwner(message: KernelMessage): RunningExecution | undefined {
    const { line, sessionId } = this.#host;
    const isOfGreeting = message.parentType === 'kernel_info_request' && message.parentSession === sessionId;
    if (!isOfGreeting || readOutput(message) === undefined) return undefined;
    // A greeting has its turn after what was running: its end is what the wire lost.
    return line.inFlight().find(({ state }) => state.ran) ?? line.lastEnded;
  }

  #takeLate(execution: RunningExecution, message: KernelMessage): void {
    // A thread that asks after the end would block its kernel for ever.
    if (message.type === 'input_request') return this.#host.answerInput(message, '');
    const output = readOutput(message);
    if (output === undefined || (output.kind === 'error' && execution.hasToldError)) return;
    if (execution.isEnded) this.#host.onLateOutput(execution.msgId, output);
    else execution.tell(output);
  }
}
