import type { KnownBlock } from '@slack/types';
import { GatewayError } from '../../../gateway/errors.ts';
import type { KernelStatus, OtherKernel } from '../../../runs/control.ts';
import type { Bot } from '../../context.ts';
import { hiddenKernelLines, kernelLines, shortKernelId, stateWords } from '../../blocks/kernel-text.ts';
import { escapeMrkdwn } from '../../blocks/mrkdwn.ts';
import type { Person } from '../../auth/policy.ts';
import { renderKernelButtons } from '../../blocks/kernel-buttons.ts';

/** A message holds 50 blocks, and each kernel takes two. */
const SHOWN_KERNELS = 20;
const SHOWN_OTHERS = 20;

/** What `kernels` answers: the workspace's kernels with their buttons, then those of others, which nobody may touch here. */
export async function listKernels(person: Person, bot: Bot): Promise<{ text: string; blocks: KnownBlock[] }> {
  const { workspace, control } = bot;
  const records = await control.kernels(workspace);
  const [statuses, others] = await Promise.all([
    control.statusOf(records.slice(0, SHOWN_KERNELS)),
    control.otherKernels(workspace).catch(whyUnknown),
  ]);
  const now = Date.now();
  const lines = await Promise.all(statuses.map((status) => namedLine(status, person, bot)));
  const head =
    records.length === 0
      ? 'No channel has a kernel now.'
      : `*Kernels of this workspace:* ${records.length}${records.length > SHOWN_KERNELS ? `, the ${SHOWN_KERNELS} used last are shown` : ''}`;
  const tail = othersText(others);
  return {
    text: [head, ...lines, tail].join('\n'),
    blocks: [
      section(head),
      ...statuses.flatMap(({ record }, index): KnownBlock[] => [
        section(lines[index] ?? ''),
        renderKernelButtons(record.kernelId, now),
      ]),
      section(tail),
    ],
  };
}

/** A private channel or direct message that the asker is not in is not named, nor is anybody in it. */
async function namedLine(status: KernelStatus, person: Person, bot: Bot): Promise<string> {
  const { channel, kernelId } = status.record;
  if (!(await bot.channels.isOpenTo(channel, person.id)))
    return `private channel (kernel ${shortKernelId(kernelId)}) · ${hiddenKernelLines(status)}`;
  return `${channel.startsWith('D') ? 'your direct messages' : `<#${channel}>`} · ${kernelLines(status)}`;
}

function whyUnknown(error: unknown): string {
  const isRefused = error instanceof GatewayError && error.code === 'unauthorized';
  const why = isRefused ? 'refused the bot’s credentials' : 'cannot be reached';
  return `The gateway ${why}, so it is not known what else runs there.`;
}

/** `others` in words: why they are not known. */
function othersText(others: readonly OtherKernel[] | string | undefined): string {
  if (typeof others === 'string') return others;
  if (others === undefined)
    return 'This gateway does not list kernels, so kernels that are not Sparkthread’s cannot be shown.';
  if (others.length === 0) return 'No other kernels run on the gateway.';
  const lines = others
    .slice(0, SHOWN_OTHERS)
    .map(
      ({ kernelId, kernelspec, state }) =>
        `• ${shortKernelId(kernelId)} ${escapeMrkdwn(kernelspec)}, ${stateWords(state)}`,
    );
  return [`*Not Sparkthread’s, and left alone:* ${others.length}`, ...lines].join('\n');
}

function section(text: string): KnownBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 3_000) } };
}
