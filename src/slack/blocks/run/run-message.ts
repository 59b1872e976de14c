import type { ContextBlock, KnownBlock, RichTextBlock } from '@slack/types';
import type { RunPhase, RunView } from '../../../runs/run-view.ts';
import { answerFiles, type AnswerFile } from '../../messages/attachments.ts';
import {
  lossWords,
  outcomeParagraph,
  phaseWords,
  questionWords,
  statusLine,
  switchWords,
  troubleWords,
} from './run-text.ts';
import { escapeMrkdwn } from '../escape-mrkdwn.ts';
import { renderButtons } from './run-buttons.ts';
import { renderOutput, type BodyElement, type OutputRoom } from './output.ts';
import { sentence } from '../rich-text.ts';

/** What a message of ours carries, so that it is found again and known for final. */
interface AnswerMetadata {
  event_type: 'sparkthread_answer';
  event_payload: { run: string; state: 'live' | 'final'; outcome?: string; files?: number };
}

export interface AnswerMessage {
  /** Read by screen readers and notifications, which do not see the blocks. Escaped, at most `maxTextChars`. */
  text: string;
  /** rich_text, context, and actions when there is something to press: the kinds stay over all edits (`block_mismatch`). */
  blocks: KnownBlock[];
  metadata: AnswerMetadata;
}

export interface RenderedAnswer {
  message: AnswerMessage;
  /** What belongs to the answer beside its message, in order. Only for a run that ended. */
  files: AnswerFile[];
}

/** chat.update refuses more than 4,000 characters of `text` (slack.md §2). */
const maxTextChars = 3_500;

/** Smaller pictures for when Slack finds a message too long. */
export const shrinkLevels = 4;

/** One picture of a run as a Slack message. Pure; `shrink` 0 is the normal size. */
export function renderAnswer(view: RunView, nowMs: number, shrink = 0): RenderedAnswer {
  const ended = view.phase.kind === 'ended' ? view.phase.outcome : undefined;
  const phase = view.phase.kind === 'ended' ? '' : phaseWords(view.phase, nowMs);
  const output =
    view.output === undefined
      ? undefined
      : renderOutput(view.output, outputRoom(ended === undefined, shrink));
  const after = [
    ...(view.output?.losses ?? []).map((loss) => lossWords(loss, ended !== undefined)),
    view.trouble === undefined ? '' : troubleWords(view.trouble),
    ended === undefined ? '' : outcomeParagraph(view, ended),
  ].filter((words) => words !== '');
  const said: BodyElement[] = [
    ...view.notes.map((note) => sentence(note)),
    ...(output?.elements ?? []),
    ...(view.phase.kind === 'inputAsked' ? questionWords(view.phase) : []).map((words) => sentence(words)),
    ...after.map((words) => sentence(words)),
    ...(ended?.stoppedBy === undefined || ended.stoppedBy === view.runner
      ? []
      : [stopperLine(ended.stoppedBy)]),
  ];
  const isBare = said.length === 0;
  const status = ended === undefined ? livingStatus(view, isBare ? '' : phase) : statusLine(view, ended);
  const body = isBare ? [ended === undefined ? phaseLine(view.phase, phase) : sentence('No output')] : said;
  const files = ended === undefined ? [] : answerFiles(view, output?.cut ?? new Set());
  const buttons = renderButtons(view.runId, view.phase, view.actions);
  const richText: RichTextBlock = { type: 'rich_text', elements: body };
  const context: ContextBlock = {
    type: 'context',
    elements: [{ type: 'plain_text', text: status, emoji: false }],
  };
  return {
    message: {
      text: plainText([...view.notes, output?.plain ?? '', ...after, isBare ? phase : '', status]),
      blocks: [richText, context, ...(buttons === undefined ? [] : [buttons])],
      metadata: {
        event_type: 'sparkthread_answer',
        event_payload: {
          run: view.runId,
          state: ended === undefined ? 'live' : 'final',
          ...(ended === undefined ? {} : { outcome: ended.kind, files: files.length }),
        },
      },
    },
    files,
  };
}

/** A channel is named; a direct message has no name. */
function phaseLine(phase: RunPhase, words: string): BodyElement {
  if (phase.kind !== 'switchAsked' || phase.channel.startsWith('D')) return sentence(words);
  return {
    type: 'rich_text_section',
    elements: [
      { type: 'channel', channel_id: phase.channel },
      { type: 'text', text: ` ${switchWords(phase)}` },
    ],
  };
}

/** Said where it was not the runner. */
function stopperLine(userId: string): BodyElement {
  return {
    type: 'rich_text_section',
    elements: [
      { type: 'text', text: 'Stopped by ' },
      { type: 'user', user_id: userId },
      { type: 'text', text: '.' },
    ],
  };
}

function livingStatus(view: RunView, phase: string): string {
  return [phase, view.kernelspec, view.edition > 1 ? `edited, run ${view.edition}` : '']
    .filter((word) => word !== '')
    .join(' · ');
}

/** A live answer is short and shows mostly the newest lines; a final one shows all that is comfortable to read. */
function outputRoom(isLive: boolean, shrink: number): OutputRoom {
  const scale = 1 / 3 ** shrink;
  return isLive
    ? { whole: 3_000 * scale, cut: 3_000 * scale, headShare: 0.2, isAttached: false }
    : { whole: 10_000 * scale, cut: 5_000 * scale, headShare: 0.5, isAttached: true };
}

function plainText(words: readonly string[]): string {
  const whole = words
    .filter((word) => word !== '')
    .join('\n')
    .toWellFormed();
  for (let kept = maxTextChars; ; kept = Math.floor(kept / 2)) {
    const escaped = escapeMrkdwn(shorten(whole, kept));
    if (escaped.length <= maxTextChars) return escaped;
  }
}

function shorten(text: string, chars: number): string {
  if (text.length <= chars) return text;
  const half = Math.floor(chars / 2) - 2;
  return `${text.slice(0, half)}\n…\n${text.slice(-half)}`.toWellFormed();
}
