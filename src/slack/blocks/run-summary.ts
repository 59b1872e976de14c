import { languageName, type Run } from '../../runs/run.ts';
import { type End, endOf, statusLine } from './run/run-text.ts';
import { escapeMrkdwn, mention, slackTime } from './mrkdwn.ts';
import { startOf } from './truncate.ts';

/** What is said of runs in a list. mrkdwn. */

const SHOWN_CODE_CHARS = 60;

/**
 * `✓ today at 14:02 · @ana · sc.range(10) · Done · 0.05 s · Python 3`, the status linked to the run message: in a link's own
 * words code would become emoji.
 */
export function runLine(run: Run, workspaceUrl: string): string {
  const { outcome } = run.data;
  const link = answerLink(run, workspaceUrl);
  const status = escapeMrkdwn(runStatus(run));
  const linked = link === undefined ? status : `<${link}|${status}>`;
  const when = `${outcome === undefined ? '…' : MARKS[endOf(outcome)]} ${slackTime(run.createdAt)}`;
  return [when, mention(run.requester), firstLine(run), linked].join(' · ');
}

/** Ends at a glance. */
const MARKS: Readonly<Record<End, string>> = {
  ok: '✓',
  failed: '✗',
  stopped: '■',
  limited: '■',
  cancelled: '■',
  notKnown: '?',
};

export function runStatus({ state, data }: Pick<Run, 'state' | 'data'>): string {
  const live = state === 'waiting' ? 'Waiting' : 'Running';
  const { outcome, edition } = data;
  const status = outcome === undefined ? live : statusLine(edition, outcome, { short: true });
  return `${status} · ${languageName(data)}`;
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

/** The code's first line, as inline code. */
export function firstLine({ data }: { data: Pick<Run['data'], 'preview' | 'codeLength'> }): string {
  const lines = data.preview.split('\n').filter((line) => line.trim() !== '');
  const line = lines[0]?.trim() ?? '';
  const isCut = line.length > SHOWN_CODE_CHARS || lines.length > 1 || data.codeLength > data.preview.length;
  // A backtick would end the inline code.
  const shown = startOf(line.toWellFormed(), SHOWN_CODE_CHARS).replaceAll('`', 'ˋ');
  return `\`${escapeMrkdwn(shown)}\`${isCut ? ' …' : ''}`;
}
