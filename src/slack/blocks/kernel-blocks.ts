import type { ActionsBlock } from '@slack/types';
import { z } from 'zod';
import type { KernelStatus } from '../../runs/control.ts';
import type { KernelRecord } from '../../runs/session/kernel/kernel-record.ts';
import { renderElapsed } from '../../text.ts';
import {
  buttonRow,
  confirmation,
  createButtons,
  createValueButton,
  escapeMrkdwn,
  mention,
  slackTime,
} from './elements.ts';

/** Texts about kernels (mrkdwn), and their buttons. */

/** The answer to `status`: the kernels of a channel. */
export function statusText(statuses: readonly KernelStatus[], now: number): string {
  if (statuses.length === 0) return 'This channel has no kernel now; the next snippet starts one.';
  return statuses.map((status) => `${kernelLines(status)}\n${queueLine(status, now)}`).join('\n\n');
}

/** A kernel in two lines: what it is, then when and by whom it was used. */
export function kernelLines(status: KernelStatus): string {
  const { record } = status;
  const started = `Started ${slackTime(record.startedAt)} by ${mention(record.startedBy)}`;
  const used = `last used ${slackTime(record.lastUsedAt)} by ${mention(record.lastRequester)}`;
  return `${headLine(status)}\n${started} · ${used}`;
}

/** The same without people, for a reader who may not know them. */
export function hiddenKernelLines(status: KernelStatus): string {
  const { startedAt, lastUsedAt } = status.record;
  return `${headLine(status)}\nStarted ${slackTime(startedAt)} · last used ${slackTime(lastUsedAt)}`;
}

/** `*Python 3 (Spark)* · python3-spark · idle`: its name, and its word in commands. */
function headLine({ record, displayName, state }: KernelStatus): string {
  const spec = displayName === record.kernelspec ? '' : ` · \`${escapeMrkdwn(record.kernelspec)}\``;
  return `*${escapeMrkdwn(displayName)}*${spec} · ${stateWords(state)}`;
}

export function shortKernelId(kernelId: string): string {
  return `\`${escapeMrkdwn(kernelId.slice(0, 8))}\``;
}

function queueLine({ unfinished }: KernelStatus, now: number): string {
  const [first, ...waiting] = unfinished;
  if (first === undefined) return 'Idle, nothing queued.';
  const behind = waiting.length === 0 ? '' : `; ${waiting.length} in the queue`;
  if (first.state === 'waiting') return `${mention(first.requester)}’s code is next${behind}.`;
  const elapsed = renderElapsed(now - (first.data.startedAt ?? first.createdAt));
  return `Running ${mention(first.requester)}’s code for ${elapsed}${behind}.`;
}

export function stateWords(state: string): string {
  switch (state) {
    case 'gone':
      return 'gone (its variables are lost; the next snippet starts a new one)';
    case 'unreachable':
      return 'state not known, because the gateway cannot be reached';
    default:
      return escapeMrkdwn(state);
  }
}

const LOSS = 'The kernel’s variables are lost, for everyone in its channel.';

export type KernelAction = 'restart' | 'shutdown';

/** The buttons of a kernel, in the list of kernels and on the home tab. */
export const kernelButtons = createButtons<KernelAction>(
  'kernel:',
  { restart: 'Restart', shutdown: 'Shut down' },
  {
    restart: confirmation('Restart?', LOSS, 'Restart'),
    shutdown: confirmation('Shut down?', LOSS, 'Shut down'),
  },
);

export function renderKernelButtons(kernelId: string, shownAtMs: number): ActionsBlock {
  return buttonRow(
    kernelButtons.render('restart', kernelId, shownAtMs),
    kernelButtons.render('shutdown', kernelId, shownAtMs),
  );
}

/** The notice to the channel of a kernel that nobody uses. */
export function idleWarning({ kernelspec, lastUsedAt }: KernelRecord, endsAtMs: number): string {
  return `Nobody has used the ${escapeMrkdwn(kernelspec)} kernel since ${slackTime(lastUsedAt)}. It will be shut down ${slackTime(endsAtMs)}, and its variables are lost then.`;
}

/** What the warning says once the kernel was used again. */
export function idleWarningOver(kernelspec: string): string {
  return `The ${escapeMrkdwn(kernelspec)} kernel was idle for long, but was used again and stays.`;
}

export const keepButton = createValueButton(
  'kernel:keep',
  'Keep',
  z.object({ kernelId: z.string(), queue: z.string() }),
);

export function idleEnd({ kernelspec }: KernelRecord, idleMs: number): string {
  return `The ${escapeMrkdwn(kernelspec)} kernel was shut down after ${renderElapsed(idleMs)} without use; its variables are gone. The next snippet starts a new one.`;
}

/** The notice that one kernelspec replaced another. */
export function switchNotice(from: string, to: string, by: string): string {
  return `${mention(by)} switched the kernel from ${escapeMrkdwn(from)} to ${escapeMrkdwn(to)}; variables are gone.`;
}
