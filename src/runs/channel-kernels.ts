import { randomUUID } from 'node:crypto';
import type { Keyv } from 'keyv';
import { GatewayError } from '../errors.ts';
import type { ConnectionEvent, Gateway, KernelConnection } from '../gateway/gateway.ts';
import type { Log } from '../log.ts';
import { type KernelRecord, kernelRecordSchema } from './kernel-record.ts';
import type { RunOutcome } from './outcome.ts';

/** A websocket that nobody used for this long is closed, so that the gateway's own culling works. */
const IDLE_SOCKET_MS = 3 * 60_000;

export interface KernelOwner {
  workspace: string;
  channel: string;
  lane: string;
  runner: string;
  thread: string;
}

export interface ReadyKernel {
  record: KernelRecord;
  connection: KernelConnection;
  /** What happened to the kernel that stood here before, as a sentence; undefined when nothing did. */
  note: string | undefined;
}

export interface StartProgress {
  onTurn: (before: number) => void;
  onStarting: () => void;
}

export interface ChannelKernelsOptions {
  gateway: Gateway;
  keyv: Keyv;
  log: Log;
  /** The complete environment of a kernel's start; never a secret. */
  envFor: (owner: KernelOwner) => Record<string, string>;
  onEvent: (lane: string, event: ConnectionEvent) => void;
  onUsed: (record: KernelRecord) => void;
  /** The lane's socket is closed: nothing of ours is connected to its kernel any more. */
  onDisconnected: (lane: string) => void;
}

/** Channel ↔ kernel: gets or starts the lane's kernel, keeps its websocket while it is used, lets go of it when idle. */
export class ChannelKernels {
  readonly #options: ChannelKernelsOptions;
  readonly #restarting = new Set<string>();
  readonly #open = new Map<string, { connection: KernelConnection; idle: NodeJS.Timeout | undefined }>();

  constructor(options: ChannelKernelsOptions) {
    this.#options = options;
  }

  async find(lane: string): Promise<KernelRecord | undefined> {
    const kept: unknown = await this.#options.keyv.get(lane);
    return kept === undefined ? undefined : kernelRecordSchema.parse(kept);
  }

  /**
   * The lane's kernel, connected and answering: the open connection, the kept kernel, or a new one.
   * Rejects with `GatewayError`; nothing is left behind by a start that failed.
   */
  async ready(
    owner: KernelOwner,
    kernelspec: string,
    progress: StartProgress,
    signal: AbortSignal,
  ): Promise<ReadyKernel> {
    const record = await this.find(owner.lane);
    if (record === undefined)
      return await this.#start(newRecord(owner, kernelspec), owner, undefined, progress, signal);
    if (record.state === 'starting') return await this.#start(record, owner, undefined, progress, signal);
    const note = record.restartedUnseen ? restartedNote : undefined;
    const open = this.#open.get(owner.lane);
    if (open !== undefined && open.connection.kernelId === record.kernelId) {
      clearTimeout(open.idle);
      return { record, connection: open.connection, note };
    }
    progress.onStarting();
    try {
      return { record, connection: await this.#connect(record, signal), note };
    } catch (error) {
      if (!isLoss(error)) throw error;
      await this.forget(owner.lane);
      return await this.#start(newRecord(owner, kernelspec), owner, goneNote, progress, signal);
    }
  }

  /** The kept kernel's connection for taking up a run after a crash; undefined when that kernel is not the lane's any more. */
  async reattach(lane: string, kernelId: string, signal: AbortSignal): Promise<KernelConnection | undefined> {
    const record = await this.find(lane);
    if (record?.kernelId !== kernelId) return undefined;
    return this.#open.get(lane)?.connection ?? (await this.#connect(record, signal));
  }

  /**
   * Starts the kernel that the record names. The record is kept before the request goes out: a start that a crash cut
   * short is repeated with the same chosen id, which gives the same kernel where the gateway honours it.
   */
  async #start(
    chosen: KernelRecord,
    owner: KernelOwner,
    note: string | undefined,
    progress: StartProgress,
    signal: AbortSignal,
  ): Promise<ReadyKernel> {
    progress.onStarting();
    await this.#keep(chosen);
    try {
      const kernelId = await this.#launch(chosen, owner, progress, signal);
      const started = { ...chosen, kernelId };
      await this.#keep(started);
      const connection = await this.#connect(started, signal).catch(async (error: unknown) => {
        await this.#options.gateway.shutDownKernel(kernelId).catch(() => undefined);
        throw error;
      });
      const record: KernelRecord = { ...started, state: 'up' };
      await this.#keep(record);
      return { record, connection, note };
    } catch (error) {
      await this.forget(owner.lane);
      throw error;
    }
  }

  async #launch(
    chosen: KernelRecord,
    owner: KernelOwner,
    progress: StartProgress,
    signal: AbortSignal,
  ): Promise<string> {
    const { gateway, envFor } = this.#options;
    const { kernelspec, kernelId } = chosen;
    try {
      const start = { kernelspec, kernelId, env: envFor(owner), onTurn: progress.onTurn, signal };
      return (await gateway.startKernel(start)).id;
    } catch (error) {
      const found = isLoss(error)
        ? await gateway.findKernel(kernelId, signal).catch(() => undefined)
        : undefined;
      if (found === undefined) throw error;
      return found.id;
    }
  }

  async #connect(record: KernelRecord, signal: AbortSignal): Promise<KernelConnection> {
    const { gateway, onEvent } = this.#options;
    const connection = await gateway.connect(record.kernelId, { sessionId: record.sessionId, signal });
    this.#open.set(record.lane, { connection, idle: undefined });
    connection.onEvent((event) => {
      if (event.kind === 'kernelGone') this.#open.delete(record.lane);
      if (event.kind === 'kernelRestarted') this.#noteRestart(record.lane);
      onEvent(record.lane, event);
    });
    return connection;
  }

  /** A restart that no command of ours made: kept until a run has said it. */
  #noteRestart(lane: string): void {
    if (this.#restarting.has(lane)) return;
    const noting = this.find(lane).then(async (record) => {
      if (record !== undefined) await this.#keep({ ...record, restartedUnseen: true });
    });
    noting.catch((error: unknown) => this.#options.log.warn({ err: error, lane }, 'a restart was not noted'));
  }

  /** The run is over: keeps what it changed, and closes the socket after a while of nothing. */
  async used(ran: KernelRecord, by: { runner: string; thread: string; outcome: RunOutcome }): Promise<void> {
    const record = await this.find(ran.lane);
    // Shut down or replaced while the run ended: that is the newer word.
    if (record?.kernelId !== ran.kernelId) return;
    if (by.outcome.kind === 'kernelGone') return await this.forget(ran.lane);
    const runners = record.runners.includes(by.runner) ? record.runners : [...record.runners, by.runner];
    const used: KernelRecord = {
      ...record,
      runners,
      executionCount: by.outcome.variablesLost ? 0 : (by.outcome.executionCount ?? record.executionCount),
      restartedUnseen: false,
      lastUsedAt: Date.now(),
      lastRunner: by.runner,
      lastThread: by.thread,
    };
    await this.#keep(used);
    this.#options.onUsed(used);
    const open = this.#open.get(ran.lane);
    if (open === undefined) return;
    clearTimeout(open.idle);
    open.idle = setTimeout(() => void this.disconnect(ran.lane), IDLE_SOCKET_MS).unref();
  }

  /** Keeps a change of the record that is no run's: gives the new record. */
  async note(
    record: KernelRecord,
    change: Partial<Pick<KernelRecord, 'lastUsedAt' | 'warnedAt'>>,
  ): Promise<KernelRecord> {
    const changed = { ...record, ...change };
    await this.#keep(changed);
    return changed;
  }

  isConnected(lane: string): boolean {
    return this.#open.has(lane);
  }

  async disconnect(lane: string): Promise<void> {
    const open = this.#open.get(lane);
    if (open === undefined) return;
    this.#open.delete(lane);
    clearTimeout(open.idle);
    await open.connection.close();
    this.#options.onDisconnected(lane);
  }

  /** Restarts the lane's kernel. Rejects with `GatewayError('kernelGone')` when there is none any more. */
  async restart(record: KernelRecord): Promise<void> {
    this.#restarting.add(record.lane);
    try {
      await this.#options.gateway.restartKernel(record.kernelId);
      await this.#keep({ ...record, executionCount: 0, restartedUnseen: false, runners: [] });
    } finally {
      this.#restarting.delete(record.lane);
    }
  }

  /** Deletes the kernel on the gateway and forgets it. */
  async shutDown(record: KernelRecord): Promise<void> {
    await this.#options.gateway.shutDownKernel(record.kernelId);
    await this.forget(record.lane);
  }

  async forget(lane: string): Promise<void> {
    await this.disconnect(lane);
    await this.#options.keyv.delete(lane);
  }

  async #keep(record: KernelRecord): Promise<void> {
    await this.#options.keyv.set(record.lane, record);
  }

  /** Every kept kernel of a workspace. */
  async list(workspace: string): Promise<KernelRecord[]> {
    const records: KernelRecord[] = [];
    const entries = this.#options.keyv.iterator?.(undefined) as AsyncIterable<[string, unknown]> | undefined;
    if (entries === undefined) return records;
    for await (const [, kept] of entries) {
      const record = kernelRecordSchema.safeParse(kept);
      if (record.success && record.data.workspace === workspace) records.push(record.data);
    }
    return records;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((lane) => this.disconnect(lane)));
  }
}

const goneNote =
  'The channel’s kernel was gone (shut down, culled, or lost by the gateway); a new one was started. Its variables are lost.';
export const restartedNote = 'The kernel was restarted meanwhile; the variables from before are gone.';

function isLoss(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'kernelGone' || error.code === 'startFailed');
}

function newRecord(owner: KernelOwner, kernelspec: string): KernelRecord {
  const now = Date.now();
  return {
    workspace: owner.workspace,
    channel: owner.channel,
    lane: owner.lane,
    kernelspec,
    kernelId: randomUUID(),
    sessionId: randomUUID(),
    state: 'starting',
    startedAt: now,
    startedBy: owner.runner,
    lastUsedAt: now,
    lastRunner: owner.runner,
    lastThread: owner.thread,
    executionCount: 0,
    restartedUnseen: false,
    runners: [],
  };
}
