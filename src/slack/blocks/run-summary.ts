import type { OutputPart } from '../../output/output-view.ts';
import type { RunOutcome } from '../../runs/outcome.ts';
import type { RunView } from '../../runs/run-view.ts';
import { languageName, type Run } from '../../runs/run.ts';
import type { RunEnd } from '../../saved/schedules/scheduler.ts';
import { escapeMrkdwn, mention, slackTime } from './elements.ts';
import { withoutStopTrace } from './run/output/shown-parts.ts';
import { sizeWords } from './run/output/table.ts';
import { type End, endOf, statusLine } from './run/run-text.ts';
import { startOf } from './truncate.ts';

/** Runs in lists. mrkdwn. */

const SHOWN_CODE_CHARS = 60;

/**
 * `✓ today at 14:02 · @ana · sc.range(10) · Done · 0.05 s · Python 3`. The status links to the run message; code in the
 * text of a link could become emoji.
 */
export function runLine(run: Run, workspaceUrl: string): string {
  const { outcome } = run.data;
  const link = answerLink(run, workspaceUrl);
  const status = escapeMrkdwn(runStatus(run));
  const linked = link === undefined ? status : `<${link}|${status}>`;
  const when = `${outcome === undefined ? '…' : ENDS[endOf(outcome)].mark} ${slackTime(run.createdAt)}`;
  return [when, mention(run.requester), firstLine(run), linked].join(' · ');
}

interface EndWords {
  /** The mark in a list. */
  mark: string;
  /** The reaction on a person's message. */
  reaction: string;
  /** The words before the duration; undefined: the requester cancelled the run and is told nothing. */
  notice: string | undefined;
  /** How it counts for its schedule. */
  counts: RunEnd;
}

/** How each end is shown and counted. */
export const ENDS: Readonly<Record<End, EndWords>> = {
  ok: { mark: '✓', reaction: 'white_check_mark', notice: 'done in', counts: 'ok' },
  failed: { mark: '✗', reaction: 'x', notice: 'failed after', counts: 'failed' },
  stopped: { mark: '■', reaction: 'octagonal_sign', notice: 'stopped after', counts: 'stopped' },
  limited: { mark: '■', reaction: 'octagonal_sign', notice: 'stopped after', counts: 'failed' },
  cancelled: { mark: '■', reaction: 'octagonal_sign', notice: undefined, counts: 'stopped' },
  notKnown: { mark: '?', reaction: 'grey_question', notice: 'end not known after', counts: 'failed' },
};

/** How a run ended for its schedule: one that did not run, and that nobody cancelled, has failed. */
export function scheduledEnd(outcome: RunOutcome): End {
  const isLeft = outcome.kind === 'cancelled' && outcome.stoppedBy === undefined;
  return isLeft ? 'failed' : endOf(outcome);
}

export function runStatus({ state, data }: Pick<Run, 'state' | 'data'>): string {
  const live = state === 'waiting' ? 'Waiting' : 'Running';
  const { outcome, edition } = data;
  const status = outcome === undefined ? live : statusLine(edition, outcome, { short: true });
  return `${status} · ${languageName(data)}`;
}

/** A link to the run message, else to its thread; undefined while neither is known. */
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
  const shown = startOf(line, SHOWN_CODE_CHARS).replaceAll('`', 'ˋ');
  return `\`${escapeMrkdwn(shown)}\`${isCut ? ' …' : ''}`;
}

const LONGEST = 120;

/**
 * The output of a run in one line: the error that ended it, else its last result or picture, else the last printed
 * line; '' if there is none.
 */
export function resultLine(view: RunView): string {
  const { phase, output: { parts = [] } = {} } = withoutStopTrace(view);
  const hasFailed = phase.kind === 'ended' && phase.outcome.kind !== 'ok';
  const error = hasFailed ? parts.findLast((part) => part.kind === 'error') : undefined;
  if (error !== undefined) return oneLine(error.headline);
  const result = parts.findLast(
    (part) => part.kind === 'table' || part.kind === 'image' || isText(part, 'result'),
  );
  if (result?.kind === 'table') return sizeWords(result);
  if (result?.kind === 'image') return 'Image';
  if (result?.kind === 'text') return oneLine(result.text.head);
  const printed = parts.findLast((part) => isText(part, 'stdout'));
  if (printed?.kind !== 'text') return '';
  const { head, tail } = printed.text;
  return oneLine((tail.trim() === '' ? head : tail).trimEnd().split('\n').at(-1) ?? '');
}

function isText(part: OutputPart, source: 'result' | 'stdout'): boolean {
  return part.kind === 'text' && part.source === source;
}

function oneLine(text: string): string {
  const [line = '', ...more] = text.trim().slice(0, 2_000).split('\n');
  const isCut = more.length > 0 || line.length > LONGEST;
  return isCut ? `${line.slice(0, LONGEST - 2).trimEnd()} …` : line;
}
