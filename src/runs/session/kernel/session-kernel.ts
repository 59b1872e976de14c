import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../../../gateway/errors.ts';
import type {
  ConnectionEvent,
  ExecutionCheckpoint,
  Gateway,
  KernelConnection,
} from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run } from '../../run.ts';
import {
  type KernelOwner,
  type KernelRecord,
  type KernelRecords,
  newKernelRecord,
  type StoredKernel,
} from './kernel-record.ts';
import { KernelSocket } from './kernel-socket.ts';
import {
  eitherOf,
  type GivingUp,
  isLoss,
  launchKernel,
  removeUnused,
  type StartProgress,
} from './launch-kernel.ts';
import { LatestWriter } from '../run/latest-writer.ts';
import { retryStore } from '../run/retry-store.ts';
import { untilAborted } from './gateway-outage.ts';

/** How long writes of the record are waited for when this process ends. */
const CLOSING_MS = 1_000;

export interface ReadyKernel {
  record: KernelRecord;
  connection: KernelConnection;
  /** What happened to the kernel before this one, as a sentence; undefined when nothing did. */
  note: string | undefined;
}

export interface SessionKernelDeps {
  gateway: Gateway;
  records: KernelRecords;
  /** The complete environment of a kernel's start; never a secret. */
  envFor: (owner: KernelOwner) => Record<string, string>;
  log: Log;
}

/**
 * The one kernel of a session: its record, its one websocket, and what changes them. A start succeeds, or leaves nothing
 * behind, or is repeated by the next process under the same kernel id.
 */
export class SessionKernel {
  readonly #queue: string;
  readonly #deps: SessionKernelDeps;
  readonly #onEvent: (event: ConnectionEvent) => void;
  readonly #socket: KernelSocket;
  readonly #writer: LatestWriter;
  readonly #closing = new AbortController();
  #record: KernelRecord | undefined;
  #loss: string | undefined;
  #storedLoss: string | undefined;
  /** The restart or deletion under way. */
  #change: { kind: 'restarting' | 'ending'; settled: Promise<void> } | undefined;

  constructor(
    queue: string,
    { record, loss }: StoredKernel,
    deps: SessionKernelDeps,
    onEvent: (event: ConnectionEvent) => void,
    onDisconnected: () => void,
  ) {
    this.#queue = queue;
    this.#record = record;
    this.#loss = loss;
    this.#storedLoss = loss;
    this.#deps = deps;
    this.#onEvent = onEvent;
    this.#socket = new KernelSocket(
      deps.gateway,
      (event, kernelId) => this.#take(event, kernelId),
      onDisconnected,
    );
    this.#writer = new LatestWriter(() => retryStore(() => this.#write(), this.#closing.signal, deps.log));
  }

  get record(): KernelRecord | undefined {
    return this.#record;
  }

  get state(): 'none' | 'starting' | 'ready' | 'restarting' | 'ending' {
    if (this.#change !== undefined) return this.#change.kind;
    if (this.#record === undefined) return 'none';
    return this.#record.state === 'starting' ? 'starting' : 'ready';
  }

  /**
   * The kernel, connected and answering: over the open websocket, the stored kernel, or a new one. Rejects with
   * `GatewayError`; nothing is left behind by a start that failed.
   */
  async ready(
    owner: KernelOwner,
    kernelspec: string,
    progress: StartProgress,
    until: GivingUp,
  ): Promise<ReadyKernel> {
    // What is sent in the middle of a restart or a deletion dies with the old process.
    while (this.#change !== undefined) await untilAborted(this.#change.settled, eitherOf(until));
    const record = this.#record;
    if (record === undefined)
      return await this.#start(newKernelRecord(owner, kernelspec), owner, undefined, progress, until);
    if (record.state === 'starting') return await this.#start(record, owner, undefined, progress, until);
    const { connection } = this.#socket;
    const note = record.restartedUnseen ? RESTARTED_NOTE : undefined;
    if (connection !== undefined) return { record, connection, note };
    progress.onStarting();
    try {
      return { record, connection: await this.#socket.connect(record, eitherOf(until)), note };
    } catch (error) {
      if (!isLoss(error)) throw error;
      // One that is there and gives no answer would be left behind. A gateway that does not even take the deletion is
      // the one in trouble: the kernel stays known.
      await this.#deps.gateway.shutDownKernel(record.kernelId);
      await this.forget();
      return await this.#start(newKernelRecord(owner, kernelspec), owner, GONE_NOTE, progress, until);
    }
  }

  /** The connection for resuming a run that was written to `kernelId`; undefined when that kernel was replaced. */
  async reattach(
    kernelId: string,
    signal: AbortSignal,
    checkpoint: ExecutionCheckpoint | undefined,
  ): Promise<KernelConnection | undefined> {
    if (this.#record?.kernelId !== kernelId) return undefined;
    return this.#socket.connection ?? (await this.#socket.connect(this.#record, signal, checkpoint));
  }

  /**
   * Starts the kernel that the record names. The record is stored before the request goes out: a start that a crash cut
   * short is repeated with the same chosen id, which gives the same kernel where the gateway honours it.
   */
  async #start(
    chosen: KernelRecord,
    owner: KernelOwner,
    note: string | undefined,
    progress: StartProgress,
    until: GivingUp,
  ): Promise<ReadyKernel> {
    const { gateway, envFor, log } = this.#deps;
    progress.onStarting();
    this.#record = chosen;
    await this.#writer.save();
    let kernelId: string | undefined;
    try {
      kernelId = await launchKernel(chosen, envFor(owner), progress.onTurn, until, gateway);
      // Nothing was sent in any session yet, and one that a crash cut off may hold its place: of two peers in one session
      // Toree answers the first (protocol.md §2.2).
      const started: KernelRecord = { ...chosen, kernelId, sessionId: randomUUID() };
      this.#record = started;
      await this.#writer.save();
      const connection = await this.#socket.connect(started, eitherOf(until));
      const record: KernelRecord = { ...started, state: 'up' };
      const loss = this.#loss;
      this.#record = record;
      this.#loss = undefined;
      await this.#writer.save();
      return { record, connection, note: note ?? loss };
    } catch (error) {
      // The successor finds the record and repeats the start under the same id.
      if (until.released.aborted) throw error;
      if (kernelId !== undefined) await removeUnused(kernelId, gateway, log);
      await this.forget();
      throw error;
    }
  }

  #take(event: ConnectionEvent, kernelId: string): void {
    const isOurs = this.#record?.kernelId === kernelId;
    if (event.kind === 'kernelRestarted' && this.state !== 'restarting' && isOurs)
      this.#note({ restartedUnseen: true });
    this.#onEvent(event);
  }

  get isConnected(): boolean {
    return this.#socket.connection !== undefined;
  }

  /** A kernel, a loss that nobody has read yet, or a websocket. */
  get hasAnything(): boolean {
    return (
      this.#record !== undefined || this.#loss !== undefined || this.isConnected || this.#change !== undefined
    );
  }

  /** A run begins: the websocket is not closed for idleness until {@link release}. */
  acquire(): void {
    this.#socket.acquire();
  }

  /** The run is over, however it went. */
  release(): void {
    this.#socket.release();
  }

  // — changes of the kernel and of its record —

  /** A run on the kernel with this id has ended. */
  async used(kernelId: string, { id, requester, thread }: Run, outcome: RunOutcome): Promise<void> {
    const record = this.#record;
    // Shut down or replaced while the run ended: that is the newer fact.
    if (record?.kernelId !== kernelId) return;
    if (outcome.kind === 'kernelGone') return await this.forget();
    // To end the kernel that its code has left is the client's part: IRkernel goes on living after `quit()`.
    if (outcome.kind === 'exited') return await this.shutDown();
    const isNew = !record.requesters.includes(requester);
    this.#note({
      requesters: isNew ? [...record.requesters, requester] : record.requesters,
      executionCount: outcome.variablesLost ? 0 : (outcome.executionCount ?? record.executionCount),
      restartedUnseen: false,
      lastUsedAt: Date.now(),
      lastRequester: requester,
      lastThread: thread,
      lastRun: id,
    });
  }

  /** Somebody pressed Keep. False when that kernel is not there any more. */
  keep(kernelId: string): boolean {
    if (this.#record?.kernelId !== kernelId) return false;
    this.#note({ lastUsedAt: Date.now() });
    return true;
  }

  noteWarned(warnedAt: number): void {
    this.#note({ warnedAt });
  }

  /** The record changes in memory at once, in the store behind. */
  #note(change: Partial<KernelRecord>): void {
    if (this.#record === undefined) return;
    this.#record = { ...this.#record, ...change };
    this.#writer.save().catch(() => undefined);
  }

  /** Restarts the kernel. Rejects with `GatewayError('kernelGone')` when there is none any more. */
  async restart(): Promise<void> {
    const record = this.#record;
    if (record === undefined) throw new GatewayError('kernelGone', 'there is no kernel');
    await this.#changeBy('restarting', async () => {
      await this.#deps.gateway.restartKernel(record.kernelId);
      this.#note({ executionCount: 0, restartedUnseen: false, requesters: [] });
    });
  }

  /** Deletes the kernel on the gateway and forgets it; `loss` is said at the head of the next run. */
  async shutDown(loss?: string): Promise<void> {
    const record = this.#record;
    if (record === undefined) return;
    await this.#changeBy('ending', async () => {
      await this.#deps.gateway.shutDownKernel(record.kernelId);
      // Ended by somebody else meanwhile, there may be a new one.
      if (this.#record?.kernelId === record.kernelId) await this.forget(loss);
    });
  }

  async #changeBy(kind: 'restarting' | 'ending', work: () => Promise<void>): Promise<void> {
    const done = (this.#change?.settled ?? Promise.resolve()).then(work);
    const change = { kind, settled: done.catch(() => undefined) };
    this.#change = change;
    try {
      await done;
    } finally {
      if (this.#change === change) this.#change = undefined;
    }
  }

  /** The kernel is not there any more. */
  async forget(loss?: string): Promise<void> {
    this.#record = undefined;
    if (loss !== undefined) this.#loss = loss;
    await this.#socket.close();
    this.#writer.save().catch(() => undefined);
  }

  /** The store was emptied. */
  storeAgain(): void {
    this.#storedLoss = undefined;
    this.#writer.save().catch(() => undefined);
  }

  async #write(): Promise<boolean> {
    const { records } = this.#deps;
    const loss = this.#loss;
    if (this.#record === undefined) await records.remove(this.#queue);
    else await records.save(this.#record);
    if (loss !== this.#storedLoss) {
      await (loss === undefined ? records.removeLoss(this.#queue) : records.saveLoss(this.#queue, loss));
      this.#storedLoss = loss;
    }
    return true;
  }

  /** This process ends. The kernel stays, and so does its record. */
  async close(): Promise<void> {
    await this.#socket.close();
    await Promise.race([this.#writer.idle, delay(CLOSING_MS, undefined, { ref: false })]);
    this.#closing.abort();
  }
}

export const GONE_NOTE =
  'The channel’s kernel was gone (shut down, culled, or lost by the gateway); a new one was started. Its variables are lost.';
export const RESTARTED_NOTE = 'The kernel was restarted meanwhile; the variables from before are gone.';
