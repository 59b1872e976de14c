import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway, KernelConnection, KernelModel } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import type { Run } from '../../run.ts';
import { GONE_NOTE, type KernelRecord, SERVER_STOPPED_NOTE } from './kernel-record.ts';

/** For whom, and for which session, a kernel is started. */
export type KernelOwner = Pick<Run, 'workspace' | 'channel' | 'queue' | 'requester'>;

/** A kernel that is still to be started, under an id that we choose. */
export function newKernelRecord(owner: KernelOwner, kernelspec: string): KernelRecord {
  const { workspace, channel, queue, requester } = owner;
  const now = Date.now();
  return {
    workspace,
    channel,
    queue,
    kernelspec,
    kernelId: randomUUID(),
    sessionId: randomUUID(),
    state: 'starting',
    startedAt: now,
    startedBy: requester,
    lastUsedAt: now,
    lastRequester: requester,
    executionCount: 0,
    restartedUnseen: false,
    requesters: [],
  };
}

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
  either: AbortSignal;
}

export interface KernelEnvSettings {
  username: string | undefined;
  env: Readonly<Record<string, string>>;
}

/**
 * What the settings say a kernel is started with; never a secret (protocol.md §1.3). `{channel}` becomes the channel's
 * id; `{user}` the Slack user id, only for kernels of direct messages, because every other kernel is shared.
 */
export function kernelEnv(
  owner: Pick<KernelOwner, 'channel' | 'requester'>,
  { username, env }: KernelEnvSettings,
): Record<string, string> {
  const isDirect = owner.channel.startsWith('D');
  const named = username
    ?.replaceAll('{channel}', owner.channel)
    .replaceAll('{user}', isDirect ? owner.requester : owner.channel);
  return { ...env, ...(named === undefined ? {} : { KERNEL_USERNAME: named }) };
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

/** The kernel is not there, or will never answer. */
export function isLoss(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === 'kernelGone' || error.code === 'startFailed');
}

/** What the next run says of the kernel before; undefined for an error that is no loss of it. */
export function lossNote(error: unknown): string | undefined {
  if (!isLoss(error)) return undefined;
  return error.status === 424 ? SERVER_STOPPED_NOTE : GONE_NOTE;
}

/** A kernel that answers. */
export interface ReachedKernel {
  record: KernelRecord;
  connection: KernelConnection;
  /** What happened to the kernel before this one, as a sentence; undefined when nothing did. */
  note?: string | undefined;
}
