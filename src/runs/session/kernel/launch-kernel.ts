import { randomUUID } from 'node:crypto';
import { GatewayError } from '../../../gateway/errors.ts';
import type { Gateway, KernelConnection, KernelModel, OnLost } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import type { Run } from '../../run.ts';
import { GONE_NOTE, type KernelRecord, SERVER_STOPPED_NOTE } from './kernel-record.ts';

/** The requester and the session for which a kernel is started. */
export type KernelOwner = Pick<Run, 'workspace' | 'channel' | 'queue' | 'requester'>;

/** The record of a kernel that will be started, with an id that we choose. */
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
  /** So many starts come before this one. */
  onTurn: (before: number) => void;
  /** JupyterHub has been starting the gateway's server since this time; undefined: the server runs. */
  onServer: (sinceMs: number | undefined) => void;
}

/** The run that waits for the kernel. */
export interface WaitingRun {
  readonly run: Run;
  /** Aborted when it is stopped: a start is undone. */
  readonly signal: AbortSignal;
  /** Aborted when this process ends: a start is left to its successor. */
  readonly released: AbortSignal;
  readonly stoppedOrReleased: AbortSignal;
}

export interface KernelEnvSettings {
  username: string | undefined;
  env: Readonly<Record<string, string>>;
}

/**
 * The environment that the settings give to a kernel; never a secret (protocol.md §1.3). `{channel}` becomes the channel's id.
 * `{user}` becomes the Slack user id, but only in direct messages, because every other kernel is shared.
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

interface LaunchDeps {
  gateway: Pick<Gateway, 'startKernel' | 'findKernel' | 'shutDownKernel'>;
  records: { noteLost: OnLost };
  log: Log;
}

/** Starts a kernel and resolves with its id, which some gateways choose themselves. Rejects with `GatewayError`. */
export async function launchKernel(
  { kernelspec, kernelId, startedBy: owner }: KernelRecord,
  isRepeated: boolean,
  env: Readonly<Record<string, string>>,
  { onTurn, onServer }: StartProgress,
  { signal, released: release }: Pick<WaitingRun, 'signal' | 'released'>,
  { gateway, records, log }: LaunchDeps,
): Promise<string> {
  let started: KernelModel;
  try {
    const { noteLost: onLost } = records;
    const start = { kernelspec, kernelId, isRepeated, env, owner, onTurn, onServer, signal, release, onLost };
    started = await gateway.startKernel(start);
  } catch (error) {
    const found = isLoss(error)
      ? await gateway.findKernel(kernelId, signal).catch(() => undefined)
      : undefined;
    if (found === undefined) throw error;
    started = found;
  }
  // A gateway may be configured to start one kernelspec for every request (KG_FORCE_KERNEL_NAME).
  if (started.name === '' || started.name.toLowerCase() === kernelspec.toLowerCase()) return started.id;
  await removeUnused(started.id, gateway, log);
  const words = `The gateway started ${started.name} instead of ${kernelspec}`;
  throw new GatewayError('startFailed', words);
}

/** Removes a kernel that no run will use, if the gateway lets it. Resolves with the error if the gateway could not be told. */
export async function removeUnused(
  kernelId: string,
  gateway: Pick<Gateway, 'shutDownKernel'>,
  log: Log,
): Promise<GatewayError | undefined> {
  try {
    await gateway.shutDownKernel(kernelId);
    return undefined;
  } catch (error) {
    const about = { event: 'kernel.orphan', err: error, kernel: kernelId };
    log.warn(about, 'an unused kernel may remain on the gateway');
    return isCutOff(error) ? error : undefined;
  }
}

/** Whether the error means that the kernel does not exist or will never answer. */
export function isLoss(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === 'kernelGone' || error.code === 'startFailed');
}

/** Whether the gateway could not be asked or told anything. */
function isCutOff(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === 'unreachable' || error.code === 'writesPaused');
}

/** What the next run says about the lost kernel; undefined if the error does not mean that it is lost. */
export function lossNote(error: unknown): string | undefined {
  if (!isLoss(error)) return undefined;
  return error.status === 424 ? SERVER_STOPPED_NOTE : GONE_NOTE;
}

/** A kernel that is connected and answers. */
export interface ReachedKernel {
  record: KernelRecord;
  connection: KernelConnection;
  /** What happened to the kernel before this one, as a sentence. */
  note?: string | undefined;
}
