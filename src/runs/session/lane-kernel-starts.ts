import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../gateway/errors.ts';
import type { Gateway, KernelConnection } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import type { KernelOwner, KernelRecord } from './kernel-record.ts';
import type { KernelRecords } from './kernel-records.ts';
import type { LaneSockets } from './lane-sockets.ts';
import { outlastStore } from './outlast-store.ts';

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

/** Why nobody waits for a kernel any more. */
export interface GivingUp {
  /** The run was taken back: what was begun for it is undone. */
  stopped: AbortSignal;
  /** This process lets the run go: what was begun stays for the next one. */
  left: AbortSignal;
}

export interface LaneKernelStartsOptions {
  gateway: Gateway;
  log: Log;
  /** The complete environment of a kernel's start; never a secret. */
  envFor: (owner: KernelOwner) => Record<string, string>;
}

/** Starts of lanes' kernels: a start is done, or leaves nothing behind, or is repeated by the next process. */
export class LaneKernelStarts {
  readonly #options: LaneKernelStartsOptions;
  readonly #records: KernelRecords;
  readonly #sockets: LaneSockets;

  constructor(options: LaneKernelStartsOptions, records: KernelRecords, sockets: LaneSockets) {
    this.#options = options;
    this.#records = records;
    this.#sockets = sockets;
  }

  /**
   * Starts the kernel that the record names. The record is kept before the request goes out: a start that a crash cut
   * short is repeated with the same chosen id, which gives the same kernel where the gateway honours it.
   */
  async start(
    chosen: KernelRecord,
    owner: KernelOwner,
    note: string | undefined,
    progress: StartProgress,
    until: GivingUp,
  ): Promise<ReadyKernel> {
    progress.onStarting();
    await this.#records.keep(chosen);
    try {
      const kernelId = await this.#launch(chosen, owner, progress, until);
      // Nothing was sent in any session yet, and one that a crash cut off may hold its place: of two peers in one session
      // Toree answers the first (protocol.md §2.2).
      const started = { ...chosen, kernelId, sessionId: randomUUID() };
      // From here on the kernel is there: where the store is away it must not be forgotten.
      await outlastStore(() => this.#records.keep(started), until.left);
      const connection = await this.#sockets
        .connect(started, eitherOf(until))
        .catch(async (error: unknown) => {
          if (!until.left.aborted) await this.#undo(kernelId);
          throw error;
        });
      const record: KernelRecord = { ...started, state: 'up' };
      const told = await outlastStore(async () => {
        await this.#records.keep(record);
        return note ?? (await this.#records.loss(owner.lane));
      }, until.left);
      await outlastStore(() => this.#records.removeLoss(owner.lane), until.left);
      return { record, connection, note: told };
    } catch (error) {
      // The next process finds the record and repeats the start under the same id.
      if (!until.left.aborted) await this.#forget(owner.lane);
      throw error;
    }
  }

  /** Removes a kernel that no run will use. */
  async #undo(kernelId: string): Promise<void> {
    const { gateway, log } = this.#options;
    await gateway
      .shutDownKernel(kernelId)
      .catch((error: unknown) =>
        log.warn({ err: error, kernel: kernelId }, 'a kernel that nobody uses may be left on the gateway'),
      );
  }

  async #launch(
    chosen: KernelRecord,
    owner: KernelOwner,
    progress: StartProgress,
    { stopped: signal, left: release }: GivingUp,
  ): Promise<string> {
    const { gateway, envFor } = this.#options;
    const { kernelspec, kernelId } = chosen;
    try {
      const start = { kernelspec, kernelId, env: envFor(owner), onTurn: progress.onTurn, signal, release };
      return (await gateway.startKernel(start)).id;
    } catch (error) {
      const found = isLoss(error)
        ? await gateway.findKernel(kernelId, signal).catch(() => undefined)
        : undefined;
      if (found === undefined) throw error;
      return found.id;
    }
  }

  async #forget(lane: string): Promise<void> {
    await this.#sockets.close(lane);
    await this.#records.remove(lane);
  }
}

/** The kernel is not wanted any more, for either cause. */
export function eitherOf({ stopped, left }: GivingUp): AbortSignal {
  return AbortSignal.any([stopped, left]);
}

/** The kernel is not there, or will never answer. */
export function isLoss(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'kernelGone' || error.code === 'startFailed');
}
