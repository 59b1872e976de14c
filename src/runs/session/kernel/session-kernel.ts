import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../../gateway/errors.ts';
import type { ConnectionEvent, Gateway, KernelConnection } from '../../../gateway/gateway.ts';
import { untilAborted } from '../../../gateway/until-aborted.ts';
import type { Log } from '../../../log.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { BlockRequest, Run } from '../../run.ts';
import {
  type KernelRecord,
  type KernelRecords,
  EXITED_NOTE,
  GONE_NOTE,
  RESTARTED_NOTE,
  recordAfter,
  SessionRecord,
  type StoredKernel,
} from './kernel-record.ts';
import {
  type KernelOwner,
  newKernelRecord,
  launchKernel,
  lossNote,
  type ReachedKernel,
  type WaitingRun,
  removeUnused,
  type StartProgress,
} from './launch-kernel.ts';
import { SessionSocket } from './session-socket.ts';

export interface SessionKernelDeps {
  gateway: Gateway;
  records: KernelRecords;
  /** The environment for a kernel's start; never a secret. */
  envFor: (owner: KernelOwner) => Record<string, string>;
  log: Log;
}

/**
 * The kernel of a session: its record, its websocket, and everything that changes them. A start that fails leaves nothing on
 * the gateway. One during which this process ends or the gateway goes away is repeated with the same kernel id.
 */
export class SessionKernel {
  readonly #deps: SessionKernelDeps;
  readonly #onEvent: (event: ConnectionEvent) => void;
  readonly #socket: SessionSocket;
  readonly #stored: SessionRecord;
  /** The last restart or deletion, until it has settled. */
  #change: { kind: 'restarting' | 'ending'; settled: Promise<void> } | undefined;
  #goneId: string | undefined; // the kernel that the gateway reported gone during the current run

  constructor(
    queue: string,
    stored: StoredKernel,
    deps: SessionKernelDeps,
    onEvent: (event: ConnectionEvent) => void,
    onDisconnected: () => void,
  ) {
    this.#stored = new SessionRecord(queue, stored, deps.records, deps.log);
    this.#deps = deps;
    this.#onEvent = onEvent;
    this.#socket = new SessionSocket(deps.gateway, this.#take, onDisconnected);
  }

  get record(): KernelRecord | undefined {
    return this.#stored.current;
  }

  get state(): 'none' | 'starting' | 'ready' | 'restarting' | 'ending' {
    if (this.#change !== undefined) return this.#change.kind;
    if (this.record === undefined) return 'none';
    return this.record.state === 'starting' ? 'starting' : 'ready';
  }

  /**
   * Resolves with a kernel that is connected and answers: over the open websocket, by a connection to the stored kernel, or
   * after the start of a new one. Rejects with `GatewayError`.
   */
  async ready(live: WaitingRun, progress: StartProgress): Promise<ReachedKernel> {
    const { run, stoppedOrReleased } = live;
    const { kernelspec } = run.data;
    // Code that is sent during a restart or a deletion would be lost with the old process.
    while (this.#change !== undefined) await untilAborted(this.#change.settled, stoppedOrReleased);
    const record = this.record;
    if (record === undefined || record.state === 'starting')
      return await this.#start(record ?? newKernelRecord(run, kernelspec), live, progress);
    const { connection } = this.#socket;
    const note = record.restartedUnseen ? RESTARTED_NOTE : undefined;
    if (connection !== undefined) return { record, connection, note };
    progress.onTurn(0);
    try {
      return { record, connection: await this.#socket.connect(record, stoppedOrReleased), note };
    } catch (error) {
      const loss = lossNote(error);
      if (loss === undefined) throw error;
      // The kernel may exist and only not answer, so it is deleted.
      const removed = removeUnused(record.kernelId, this.#deps.gateway, this.#deps.log);
      const failure = await untilAborted(removed, stoppedOrReleased);
      if (failure !== undefined) throw failure;
      await this.forget(loss);
      return await this.#start(newKernelRecord(run, kernelspec), live, progress);
    }
  }

  /** The connection for a run that an earlier process sent; undefined if its kernel was replaced. */
  async reattach(request: BlockRequest, signal: AbortSignal): Promise<KernelConnection | undefined> {
    if (this.record?.kernelId !== request.kernelId) return undefined;
    return this.#socket.connection ?? (await this.#socket.reconnect(this.record, signal, request.checkpoint));
  }

  /**
   * Starts the kernel of this record. The record is stored before the request is sent: after a crash the start is repeated
   * with the same id, which gives the same kernel if the gateway accepts chosen ids.
   */
  async #start(chosen: KernelRecord, live: WaitingRun, progress: StartProgress): Promise<ReachedKernel> {
    const { gateway, records, envFor, log } = this.#deps;
    const isRepeated = chosen === this.record;
    progress.onTurn(0);
    await this.#stored.replace(chosen);
    let kernelId: string | undefined;
    try {
      kernelId = await launchKernel(chosen, isRepeated, envFor(live.run), progress, live, this.#deps);
      // A new session id, because nothing was sent yet and a crashed process may still be connected with the old one: of two
      // clients with one session Toree answers only the first (protocol.md §2.2).
      const started: KernelRecord = { ...chosen, kernelId, sessionId: randomUUID() };
      await this.#stored.replace(started);
      const connection = await this.#socket.connect(started, live.stoppedOrReleased);
      const record: KernelRecord = { ...started, state: 'up' };
      const note = this.#stored.takeLoss();
      await this.#stored.replace(record);
      return { record, connection, note };
    } catch (error) {
      // The successor, or the next try if the gateway is away, finds the record and repeats the start with the same id.
      if (live.released.aborted) throw error;
      const startedId = kernelId ?? (isRepeated ? chosen.kernelId : undefined);
      let failure: GatewayError | undefined;
      if (startedId !== undefined && live.signal.aborted) gateway.removeLost(startedId, records.noteLost);
      else if (startedId !== undefined) failure = await removeUnused(startedId, gateway, log);
      if (failure === undefined) await this.forget();
      throw error;
    }
  }

  readonly #take = (event: ConnectionEvent, kernelId: string): void => {
    if (event.kind === 'kernelGone') this.#goneId = kernelId;
    const isOurs = this.record?.kernelId === kernelId;
    if (event.kind === 'kernelRestarted' && this.state !== 'restarting' && isOurs)
      this.#stored.note({ restartedUnseen: true });
    this.#onEvent(event);
  };

  get isConnected(): boolean {
    return this.#socket.connection !== undefined;
  }

  /** Whether there is a kernel, a websocket, or a loss that no run has reported yet. */
  get hasAnything(): boolean {
    return this.state !== 'none' || this.#stored.hasLoss || this.isConnected;
  }

  /** A run begins: the websocket stays open until {@link release}. */
  acquire(): void {
    this.#goneId = undefined;
    this.#socket.acquire();
  }

  release(): void {
    this.#socket.release();
  }

  /** A run on this kernel has ended. */
  async used(kernelId: string, run: Run, outcome: RunOutcome): Promise<void> {
    // The kernel was shut down or replaced while the run ended.
    if (this.record?.kernelId !== kernelId) return;
    // The kernel may still be there: it only gave no answer, or IRkernel goes on running after `quit()`.
    if (this.#goneId === kernelId) return await this.shutDown(GONE_NOTE);
    if (outcome.kind === 'exited') return await this.shutDown(EXITED_NOTE);
    this.#stored.note(recordAfter(this.record, run, outcome));
  }

  /** Returns false when that kernel is gone or is being shut down. */
  keep(kernelId: string): boolean {
    if (this.record?.kernelId !== kernelId || this.state === 'ending') return false;
    this.#stored.note({ lastUsedAt: Date.now() });
    return true;
  }

  /** Resolves when the warning is stored. Only a crash before that can cause a second warning. */
  async noteWarned(warnedAt: number): Promise<void> {
    if (this.record !== undefined) await this.#stored.replace({ ...this.record, warnedAt });
  }

  /** Restarts the kernel. Rejects with `GatewayError('kernelGone')` if there is none. */
  async restart(): Promise<void> {
    const record = this.record;
    if (record === undefined) throw new GatewayError('kernelGone', 'there is no kernel');
    await this.#makeChange('restarting', async () => {
      await this.#deps.gateway.restartKernel(record.kernelId);
      this.#stored.note({ executionCount: 0, restartedUnseen: false, requesters: [], hasSpark: false });
    });
  }

  /** Makes restarts and deletions one after the other. */
  async #makeChange(kind: 'restarting' | 'ending', work: () => Promise<void>): Promise<void> {
    const done = (this.#change?.settled ?? Promise.resolve()).then(work);
    const change = { kind, settled: done.catch(() => undefined) };
    this.#change = change;
    try {
      await done;
    } finally {
      if (this.#change === change) this.#change = undefined;
    }
  }

  /** Deletes the kernel on the gateway and forgets it. The next run reports `loss`. */
  async shutDown(loss?: string): Promise<void> {
    const record = this.record;
    if (record === undefined) return;
    await this.#makeChange('ending', async () => {
      await this.#deps.gateway.shutDownKernel(record.kernelId);
      // Meanwhile the kernel may have been replaced by a new one.
      if (this.record?.kernelId === record.kernelId) await this.forget(loss);
    });
  }

  /** Forgets a kernel that does not exist any more. */
  async forget(loss?: string): Promise<void> {
    this.#stored.drop(loss);
    await this.#socket.close();
    this.#stored.saveBehind();
  }

  /** The store was emptied: writes the record again. */
  storeAgain(): void {
    this.#stored.storeAgain();
  }

  /** This process ends. The kernel and its record stay. */
  async close(): Promise<void> {
    await this.#socket.close();
    await this.#stored.close();
  }
}
