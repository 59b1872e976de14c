import type { KernelRecord } from '../../../runs/session/kernel/kernel-record.ts';
import type { Bot } from '../../context.ts';
import { escapeMrkdwn, mention } from '../../blocks/mrkdwn.ts';

export interface KernelChange {
  /** For the person. mrkdwn. */
  text: string;
  /** For everybody in the kernel's channel. */
  told: { channel: string; text: string };
}

/** Restarts a kernel or shuts it down, whoever asked by whichever source; the audit line says who. */
export async function changeKernel(
  act: 'restart' | 'shutdown',
  record: KernelRecord,
  user: string,
  bot: Bot,
): Promise<KernelChange> {
  const { control, log, workspace } = bot;
  const { channel, kernelId, kernelspec } = record;
  if (act === 'restart') await control.restart(record);
  else await control.shutDown(record);
  log.info({ audit: act, user, workspace, channel, kernel: kernelId, kernelspec }, 'a kernel was changed');
  const spec = escapeMrkdwn(kernelspec);
  return act === 'restart'
    ? {
        text: 'Restarted; the variables are gone.',
        told: { channel, text: `${mention(user)} restarted the ${spec} kernel; variables are gone.` },
      }
    : {
        text: 'Shut down; the next snippet starts a new kernel.',
        told: { channel, text: `${mention(user)} shut the ${spec} kernel down; variables are gone.` },
      };
}
