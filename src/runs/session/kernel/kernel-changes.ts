import { untilAborted } from '../../../gateway/until-aborted.ts';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway, KernelConnection, KernelModel } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import { GONE_NOTE, type KernelRecord, SERVER_STOPPED_NOTE } from './kernel-record.ts';

export interface StartProgress {
  onTurn: (before: number) => void;
  /** The server behind the gateway is being started, since this moment; undefined: it runs. */
  onServer: (sinceMs: number | undefined) => void;
  onStarting: () => void;
}

/** Why a kernel is not waited for any more. */
export interface GivingUp {
  /** The run was cancelled: what was begun for it is undone. */
  stopped: AbortSignal;
  /** This process ends: what was begun stays for its successor. */
  released: AbortSignal;
}

/** Gives the id of the kernel, which is the gateway's choice where it does not honour ours. Rejects with `GatewayError`. */
export async function launchKernel(
  { kernelspec, kernelId, startedBy: owner }: KernelRecord,
  isRepeated: boolean,
  env: Readonly<Record<string, string>>,
  { onTurn, onServer }: StartProgress,
  { stopped: signal, released: release }: GivingUp,
  { gateway, log }: { gateway: Pick<Gateway, 'startKernel' | 'findKernel' | 'shutDownKernel'>; log: Log },
): Promise<string> {
  let started: KernelModel;
  try {
    const start = { kernelspec, kernelId, isRepeated, env, owner, onTurn, onServer, signal, release };
    started = await gateway.startKernel(start);
  } catch (error) {
    const found = isLoss(error)
      ? await gateway.findKernel(kernelId, signal).catch(() => undefined)
      : undefined;
    if (found === undefined) throw error;
    started = found;
  }
  // A gateway may be set to start one kernelspec whatever is asked (KG_FORCE_KERNEL_NAME).
  if (started.name === '' || started.name.toLowerCase() === kernelspec.toLowerCase()) return started.id;
  await removeUnused(started.id, gateway, log);
  const words = `The gateway started ${started.name} instead of ${kernelspec}`;
  throw new GatewayError('startFailed', words);
}

/** Removes a kernel that no run will use. Never rejects. */
export async function removeUnused(
  kernelId: string,
  gateway: Pick<Gateway, 'shutDownKernel'>,
  log: Log,
): Promise<void> {
  await gateway
    .shutDownKernel(kernelId)
    .catch((error: unknown) =>
      log.warn(
        { event: 'kernel.orphan', err: error, kernel: kernelId },
        'a kernel that nobody uses may be left on the gateway',
      ),
    );
}

/** The kernel is not wanted any more, for either cause. */
export function eitherOf({ stopped, released }: GivingUp): AbortSignal {
  return AbortSignal.any([stopped, released]);
}

/** The kernel is not there, or will never answer. */
export function isLoss(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === 'kernelGone' || error.code === 'startFailed');
}

/** What the next run says of the kernel before. */
export function lossNote(loss: unknown): string {
  return loss instanceof GatewayError && loss.status === 424 ? SERVER_STOPPED_NOTE : GONE_NOTE;
}

/** A kernel that answers. */
export interface ReadyKernel {
  record: KernelRecord;
  connection: KernelConnection;
  /** What happened to the kernel before this one, as a sentence; undefined when nothing did. */
  note: string | undefined;
}

export type KernelChange = 'restarting' | 'ending';

/** The restarts and deletions of one kernel, one after the other. */
export class KernelChanges {
  #last: { kind: KernelChange; settled: Promise<void> } | undefined;

  /** The one asked for last, while it is under way. */
  get current(): KernelChange | undefined {
    return this.#last?.kind;
  }

  /** Rejects with the signal's reason. */
  async untilNone(signal: AbortSignal): Promise<void> {
    while (this.#last !== undefined) await untilAborted(this.#last.settled, signal);
  }

  async make(kind: KernelChange, work: () => Promise<void>): Promise<void> {
    const done = (this.#last?.settled ?? Promise.resolve()).then(work);
    const change = { kind, settled: done.catch(() => undefined) };
    this.#last = change;
    try {
      await done;
    } finally {
      if (this.#last === change) this.#last = undefined;
    }
  }
}
