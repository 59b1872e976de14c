import type { KernelOwner } from './runs/kernel-record.ts';

export interface KernelEnvSettings {
  username: string | undefined;
  env: Readonly<Record<string, string>>;
  launchTimeoutMs: number;
}

/**
 * What a kernel is started with: complete, strings, never a secret (protocol.md §1.3). `{channel}` becomes the channel's
 * id; `{user}` the Slack user id, only for kernels of direct messages, because every other kernel is shared.
 */
export function kernelEnv(owner: KernelOwner, settings: KernelEnvSettings): Record<string, string> {
  const { username, env, launchTimeoutMs } = settings;
  const isDirect = owner.channel.startsWith('D');
  const named = username
    ?.replaceAll('{channel}', owner.channel)
    .replaceAll('{user}', isDirect ? owner.runner : owner.channel);
  return {
    ...env,
    KERNEL_LAUNCH_TIMEOUT: String(Math.ceil(launchTimeoutMs / 1000)),
    ...(named === undefined ? {} : { KERNEL_USERNAME: named }),
  };
}
