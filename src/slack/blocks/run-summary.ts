import type { Run } from '../../runs/run.ts';
import { statusLine } from './run/run-text.ts';
import { escapeMrkdwn, mention, slackTime } from './mrkdwn.ts';
import { startOf } from './truncate.ts';

/** What is said of runs in a list. mrkdwn. */

const SHOWN_CODE_CHARS = 60;

/** `• today at 14:02 @ana: Done · 0.05 s · In [3] · python3 — sc.range(10)`, the outcome linked to the run message. */
export function runLine(run: Run, workspaceUrl: string): string {
  const said = escapeMrkdwn(runStatus(run));
  const link = answerLink(run, workspaceUrl);
  const linked = link === undefined ? said : `<${link}|${said}>`;
  return `• ${slackTime(run.createdAt)} ${mention(run.requester)}: ${linked} — ${firstLine(run)}`;
}

export function runStatus(run: Run): string {
  const { outcome, kernelspec } = run.data;
  if (outcome !== undefined) {
    return statusLine(run.data.edition, outcome);
  }
  return `${run.state === 'waiting' ? 'Waiting' : 'Running'} · ${kernelspec}`;
}

/** The run message, else its thread; undefined where neither is known yet. */
export function answerLink({ channel, thread, data }: Run, workspaceUrl: string): string | undefined {
  const ts = data.messageTs ?? thread;
  if (ts === '') return undefined;
  const link = new URL(`archives/${channel}/p${ts.replace('.', '')}`, workspaceUrl);
  if (thread !== '' && thread !== ts)
    link.search = new URLSearchParams({ thread_ts: thread, cid: channel }).toString();
  return link.href;
}

export function firstLine({ data }: { data: Pick<Run['data'], 'preview' | 'codeLength'> }): string {
  const lines = data.preview.split('\n').filter((line) => line.trim() !== '');
  const line = lines[0]?.trim() ?? '';
  const isCut = line.length > SHOWN_CODE_CHARS || lines.length > 1 || data.codeLength > data.preview.length;
  // A backtick would end the inline code.
  const shown = startOf(line.toWellFormed(), SHOWN_CODE_CHARS).replaceAll('`', 'ˋ');
  return `\`${escapeMrkdwn(shown)}\`${isCut ? ' …' : ''}`;
}
