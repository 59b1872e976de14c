import type { KernelOwner } from './kernel-record.ts';

export interface KernelEnvSettings {
  username: string | undefined;
  env: Readonly<Record<string, string>>;
}

/**
 * What the settings say a kernel is started with; never a secret (protocol.md §1.3). `{channel}` becomes the channel's
 * id; `{user}` the Slack user id, only for kernels of direct messages, because every other kernel is shared.
 */
export function kernelEnv(owner: KernelOwner, settings: KernelEnvSettings): Record<string, string> {
  const { username, env } = settings;
  const isDirect = owner.channel.startsWith('D');
  const named = username
    ?.replaceAll('{channel}', owner.channel)
    .replaceAll('{user}', isDirect ? owner.runner : owner.channel);
  return {
    ...env,
    ...(named === undefined ? {} : { KERNEL_USERNAME: named }),
  };
}
