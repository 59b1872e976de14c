import type { KernelStatus } from '../runs/control-kernel.ts';
import { escapeMrkdwn, mention, shortSpan, slackTime } from './mrkdwn-words.ts';

/** What is said of kernels. mrkdwn. */

/** The kernels of a channel, as `status` shows them. */
export function statusText(statuses: readonly KernelStatus[], now: number): string {
  if (statuses.length === 0) return 'This channel has no kernel yet; the first snippet starts one.';
  return statuses.map((status) => `${kernelLine(status)}\n${queueLine(status, now)}`).join('\n\n');
}

/** One kernel with its times and its people. */
export function kernelLine({ record, state }: KernelStatus): string {
  return [
    `*${escapeMrkdwn(record.kernelspec)}* is ${stateWords(state)}.`,
    `Started ${slackTime(record.startedAt)} by ${mention(record.startedBy)},`,
    `last used ${slackTime(record.lastUsedAt)} by ${mention(record.lastRunner)}.`,
  ].join(' ');
}

/** The same where the reader may not know whose it is (product.md §5). */
export function hiddenKernelLine({ record, state }: KernelStatus): string {
  return [
    `*${escapeMrkdwn(record.kernelspec)}* is ${stateWords(state)}.`,
    `Started ${slackTime(record.startedAt)}, last used ${slackTime(record.lastUsedAt)}.`,
  ].join(' ');
}

export function shortKernelId(kernelId: string): string {
  return `\`${escapeMrkdwn(kernelId.slice(0, 8))}\``;
}

function queueLine({ unfinished }: KernelStatus, now: number): string {
  const [first, ...waiting] = unfinished;
  if (first === undefined) return 'Nothing runs or waits.';
  const doing =
    first.state === 'waiting'
      ? 'is next'
      : `runs since ${shortSpan(now - (first.data.startedAt ?? first.createdAt))}`;
  return `${mention(first.runner)}’s run ${doing}; ${waiting.length} waiting behind it.`;
}

export function stateWords(state: string): string {
  switch (state) {
    case 'gone':
      return 'gone (its variables are lost; the next snippet starts a new one)';
    case 'unreachable':
      return 'not known: the gateway cannot be reached';
    default:
      return `\`${escapeMrkdwn(state)}\``;
  }
}
