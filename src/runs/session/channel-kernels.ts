import type { Keyv } from 'keyv';
import type { ConnectionEvent, KernelConnection, ExecutionCheckpoint } from '../../gateway/gateway.ts';
import { type KernelOwner, type KernelRecord, newKernelRecord } from './kernel-record.ts';
import { KernelRecords } from './kernel-records.ts';
import {
  eitherOf,
  type GivingUp,
  isLoss,
  LaneKernelStarts,
  type LaneKernelStartsOptions,
  type ReadyKernel,
  type StartProgress,
} from './lane-kernel-starts.ts';
import { LaneSockets } from './lane-sockets.ts';
import type { RunOutcome } from '../outcome.ts';

export interface ChannelKernelsOptions extends LaneKernelStartsOptions {
  keyv: Keyv;
  onEvent: (lane: string, event: ConnectionEvent) => void;
  onUsed: (record: KernelRecord) => void;
  /** The lane's socket is closed: nothing of ours is connected to its kernel any more. */
  onDisconnected: (lane: string) => void;
}

/** Channel ↔ kernel: gets or starts the lane's kernel, keeps its websocket while it is used, lets go of it when idle. */
export class ChannelKernels {
  readonly #options: ChannelKernelsOptions;
  readonly #records: KernelRecords;
  readonly #sockets: LaneSockets;
  readonly #starts: LaneKernelStarts;
  readonly #restarting = new Set<string>();
  /** Restarts and deletions under way. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(options: ChannelKernelsOptions) {
    const { gateway, keyv, onEvent, onDisconnected } = options;
    this.#options = options;
    this.#records = new KernelRecords(keyv, options.log);
    this.#sockets = new LaneSockets({
      gateway,
      onEvent: (lane, event) => {
        if (event.kind === 'kernelRestarted') this.#noteRestart(lane);
        onEvent(lane, event);
      },
      onDisconnected,
    });
    this.#starts = new LaneKernelStarts(options, this.#records, this.#sockets);
  }

  find(lane: string): Promise<KernelRecord | undefined> {
    return this.#records.find(lane);
  }

  /** Every kept kernel of a workspace. */
  list(workspace: string): Promise<KernelRecord[]> {
    return this.#records.list(workspace);
  }

  /**
   * The lane's kernel, connected and answering: the open connection, the kept kernel, or a new one.
   * Rejects with `GatewayError`; nothing is left behind by a start that failed.
   */
  async ready(
    owner: KernelOwner,
    kernelspec: string,
    progress: StartProgress,
    until: GivingUp,
  ): Promise<ReadyKernel> {
    // What is sent in the middle of a restart or a deletion dies with the old process.
    await this.#changes.get(owner.lane)?.catch(() => undefined);
    const record = await this.#records.find(owner.lane);
    if (record === undefined)
      return await this.#starts.start(newKernelRecord(owner, kernelspec), owner, undefined, progress, until);
    if (record.state === 'starting')
      return await this.#starts.start(record, owner, undefined, progress, until);
    const note = record.restartedUnseen ? restartedNote : undefined;
    const connection = this.#sockets.take(record);
    if (connection !== undefined) return { record, connection, note };
    progress.onStarting();
    try {
      return { record, connection: await this.#sockets.connect(record, eitherOf(until)), note };
    } catch (error) {
      if (!isLoss(error)) throw error;
      // One that is there and gives no answer would be left behind. A gateway that does not even take that is the one in
      // trouble: the kernel stays known.
      await this.#options.gateway.shutDownKernel(record.kernelId);
      await this.forget(owner.lane);
      return await this.#starts.start(newKernelRecord(owner, kernelspec), owner, goneNote, progress, until);
    }
  }

  /** The kept kernel's connection for taking up a run after a crash; undefined when that kernel is not the lane's any more. */
  async reattach(
    lane: string,
    kernelId: string,
    signal: AbortSignal,
    checkpoint: ExecutionCheckpoint | undefined,
  ): Promise<KernelConnection | undefined> {
    const record = await this.#records.find(lane);
    if (record?.kernelId !== kernelId) return undefined;
    return this.#sockets.take(record) ?? (await this.#sockets.connect(record, signal, checkpoint));
  }

  /** A restart that no command of ours made: kept until a run has said it. */
  #noteRestart(lane: string): void {
    if (this.#restarting.has(lane)) return;
    const noting = this.#records.find(lane).then(async (record) => {
      if (record !== undefined) await this.#records.keep({ ...record, restartedUnseen: true });
    });
    noting.catch((error: unknown) => this.#options.log.warn({ err: error, lane }, 'a restart was not noted'));
  }

  /** The run is over: keeps what it changed, and closes the socket after a while of nothing. */
  async used(
    ran: KernelRecord,
    by: { runner: string; thread: string; runId: string; outcome: RunOutcome },
  ): Promise<void> {
    const record = await this.#records.find(ran.lane);
    // Shut down or replaced while the run ended: that is the newer word.
    if (record?.kernelId !== ran.kernelId) return;
    if (by.outcome.kind === 'kernelGone') return await this.forget(ran.lane);
    // To end the kernel that its code has left is the client's part: IRkernel goes on living after `quit()`.
    if (by.outcome.kind === 'exited') return await this.shutDown(record);
    const runners = record.runners.includes(by.runner) ? record.runners : [...record.runners, by.runner];
    const used: KernelRecord = {
      ...record,
      runners,
      executionCount: by.outcome.variablesLost ? 0 : (by.outcome.executionCount ?? record.executionCount),
      restartedUnseen: false,
      lastUsedAt: Date.now(),
      lastRunner: by.runner,
      lastThread: by.thread,
      lastRun: by.runId,
    };
    await this.#records.keep(used);
    this.#options.onUsed(used);
    this.#sockets.closeWhenIdle(ran.lane);
  }

  /** Keeps a change of the record that is no run's: gives the new record. */
  async note(
    record: KernelRecord,
    change: Partial<Pick<KernelRecord, 'lastUsedAt' | 'warnedAt'>>,
  ): Promise<KernelRecord> {
    const changed = { ...record, ...change };
    await this.#records.keep(changed);
    return changed;
  }

  isConnected(lane: string): boolean {
    return this.#sockets.isOpen(lane);
  }

  disconnect(lane: string): Promise<void> {
    return this.#sockets.close(lane);
  }

  /** Restarts the lane's kernel. Rejects with `GatewayError('kernelGone')` when there is none any more. */
  async restart(record: KernelRecord): Promise<void> {
    this.#restarting.add(record.lane);
    try {
      await this.#change(record.lane, async () => {
        await this.#options.gateway.restartKernel(record.kernelId);
        await this.#records.keep({ ...record, executionCount: 0, restartedUnseen: false, runners: [] });
      });
    } finally {
      this.#restarting.delete(record.lane);
    }
  }

  /** Deletes the kernel on the gateway and forgets it; `told` is said at the head of the next run. */
  async shutDown(record: KernelRecord, told?: string): Promise<void> {
    await this.#change(record.lane, async () => {
      await this.#options.gateway.shutDownKernel(record.kernelId);
      if (told !== undefined) await this.#records.keepLoss(record.lane, told);
      await this.forget(record.lane);
    });
  }

  async #change(lane: string, work: () => Promise<void>): Promise<void> {
    const change = work();
    this.#changes.set(lane, change);
    try {
      await change;
    } finally {
      if (this.#changes.get(lane) === change) this.#changes.delete(lane);
    }
  }

  async forget(lane: string): Promise<void> {
    await this.#sockets.close(lane);
    await this.#records.remove(lane);
  }

  close(): Promise<void> {
    return this.#sockets.closeAll();
  }
}

const goneNote =
  'The channel’s kernel was gone (shut down, culled, or lost by the gateway); a new one was started. Its variables are lost.';
export const restartedNote = 'The kernel was restarted meanwhile; the variables from before are gone.';
