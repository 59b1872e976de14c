import type { RichTextBlock } from '@slack/types';
import type { RunPhase, RunView } from '../../../runs/run-view.ts';
import { joinWords } from '../../../text.ts';
import { metadataOf, type SlackMessage } from '../../api/posted.ts';
import { contextLine, fallbackText, MAX_TEXT_BYTES } from '../elements.ts';
import { promptWords, renderInputRequest } from '../input-request.ts';
import {
  type BodyElement,
  fitShorter,
  jsonSize,
  MESSAGE_ROOM,
  paragraph,
  person,
  sentence,
} from '../rich-text.ts';
import { truncate, truncateMiddle } from '../truncate.ts';
import { originWords, renderOrigin } from '../who-ran.ts';
import { type RunFile, runFiles, STREAM_FILE } from './attachments.ts';
import { type OutputRoom, renderOutput } from './output/render-output.ts';
import { isBlankPart, withoutStopTrace } from './output/shown-parts.ts';
import { renderButtons } from './run-buttons.ts';
import {
  liveStatus,
  lossWords,
  outageWords,
  outcomeParagraph,
  phaseWords,
  statusLine,
  switchWords,
  wasStopped,
} from './run-text.ts';
import { sparkPlace, sparkProgress, sparkSum, sparkSumMrkdwn } from './spark-line.ts';

export interface RenderedRun {
  /**
   * rich_text, context, and actions if there is something to press. The kinds stay the same over all edits: see
   * `block_mismatch`.
   */
  message: SlackMessage;
  /** What is posted beside the run message, in order; empty until the run has ended. */
  files: RunFile[];
}

const MAX_STATUS_CHARS = 300;

/**
 * Renders a run as a Slack message. Pure. `room` is the limit of the blocks, in characters of JSON; with 0 it is the
 * smallest message that tells how the run ended, and the output is in files.
 */
export function renderRunMessage(given: RunView, nowMs: number, room = MESSAGE_ROOM): RenderedRun {
  const view = withoutStopTrace(given);
  const ended = view.phase.kind === 'ended' ? view.phase.outcome : undefined;
  const phase = view.phase.kind === 'ended' ? '' : phaseWords(view.phase, nowMs);
  const stopper = ended?.stoppedBy === view.requester ? undefined : ended?.stoppedBy;
  const { unattached = [] } = view;
  const missing = new Set(unattached.map(({ name }) => name));
  // What the disk did not take is in no file either.
  if (view.output?.spoolPath === undefined) missing.add(STREAM_FILE);
  const areAttached = ended !== undefined && view.filesFollow !== true;
  const isAttached = (name: string): boolean => areAttached && !missing.has(name);
  const before = [
    ...view.notes,
    ...unattached.map(({ name, reason }) => `${name} could not be attached (${reason}).`),
  ];
  const after = [
    ...(view.output?.losses ?? []).map((loss) => lossWords(loss, isAttached)),
    view.outage === undefined ? '' : outageWords(view.outage),
    ended === undefined ? '' : outcomeParagraph(view, ended),
  ].filter((words) => words !== '');
  const buttons = renderButtons(view.runId, view.phase, view.actions);
  const parts = view.output?.parts ?? [];
  const hasBody = before.length + after.length > 0 || stopper !== undefined || !parts.every(isBlankPart);
  const emptyWords = parts.length > 0 ? 'Nothing but blanks was printed.' : 'No output';
  const progress = sparkProgress(view, nowMs);
  const sum = sparkSum(view);

  const statusOf = (said: string): string =>
    truncate(
      ended === undefined ? liveStatus(view, said) : statusLine(view.edition, ended),
      MAX_STATUS_CHARS,
    );
  const statusSize = Math.max(MAX_STATUS_CHARS, jsonSize(statusOf(phase)));
  const remaining = room - jsonSize([buttons, progress, sum, view.spark?.links]) - statusSize - 300;
  const origin = renderOrigin(view, remaining / 4);
  const notes = fitSentences(before, remaining / 6);
  const ending = [
    ...renderInputRequest(view, remaining / 3),
    ...fitSentences(after, remaining / 3),
    ...(stopper === undefined ? [] : [paragraph('Stopped by ', person(stopper), '.')]),
  ];
  const output =
    view.output === undefined
      ? undefined
      : renderOutput(view.output, {
          ...outputRoom(ended === undefined),
          isAttached,
          missing,
          hidesLog: ended !== undefined && wasStopped(ended),
          json: remaining - jsonSize([origin, notes, ending]),
        });
  const spark = progress === '' ? [] : [sparkLine(progress, sparkPlace(view))];
  const shown: BodyElement[] = [...notes, ...(output?.elements ?? []), ...spark, ...ending];
  const isEmpty = shown.length === 0;
  const status = statusOf(isEmpty ? '' : phase);
  const files = ended === undefined ? [] : runFiles(view, output?.cut ?? new Set());
  const body = [
    ...origin,
    ...(isEmpty
      ? [emptyLine(view.phase, phase, hasBody ? 'The output does not fit into a message.' : emptyWords)]
      : shown),
  ];
  const richText: RichTextBlock = { type: 'rich_text', elements: body };
  const context = contextLine(status);
  if (sum !== '') context.elements.push({ type: 'mrkdwn', text: sparkSumMrkdwn(view) });
  const words = [
    originWords(view),
    ...before,
    output?.plain ?? '',
    promptWords(view),
    progress,
    ...after,
    isEmpty ? phase : '',
    status,
    sum,
  ];
  return {
    message: {
      text: fallbackText(room > 0 ? words : [status], Math.min(MAX_TEXT_BYTES, room * 0.28)),
      blocks: [richText, context, ...(buttons === undefined ? [] : [buttons])],
      metadata: metadataOf(
        'answer',
        view.runId,
        ended === undefined ? { state: 'live' } : { state: 'final', outcome: ended.kind },
      ),
    },
    files,
  };
}

/** Whether somebody waits for this state or has to act on it, and the state before does not show the same. */
export function isUrgent(view: RunView, before: RunView | undefined): boolean {
  const told = urgentPart(view);
  return told !== '' && (before === undefined || told !== urgentPart(before));
}

function urgentPart({ phase, outage }: RunView): string {
  const isAsked = phase.kind === 'inputAsked' || phase.kind === 'switchAsked';
  const stop = phase.kind === 'running' && phase.stopping ? `stopping ${phase.stopIgnored}` : '';
  return joinWords(' ', [isAsked ? JSON.stringify(phase) : stop, outage?.code ?? '']);
}

function sparkLine(progress: string, { url, text }: ReturnType<typeof sparkPlace>): BodyElement {
  if (text === '') return sentence(progress);
  return paragraph(`${progress} · `, url === undefined ? text : { type: 'link', url, text });
}

/**
 * Sentences in at most `room` characters of JSON: long ones lose their middle, and of very many the oldest are dropped.
 */
function fitSentences(texts: readonly string[], room: number): BodyElement[] {
  const render = (chars: number): BodyElement[] => texts.map((text) => sentence(truncateMiddle(text, chars)));
  const fitted = fitShorter(room, 20, room, render);
  if (fitted !== undefined) return fitted;
  return texts.length > 1 ? fitSentences(texts.slice(Math.ceil(texts.length / 2)), room) : [];
}

/** The text of a message that has no body. */
function emptyLine(phase: RunPhase, words: string, endWords: string): BodyElement {
  if (phase.kind === 'ended') return sentence(endWords);
  // A direct message has no name to show.
  if (phase.kind !== 'switchAsked' || phase.channel.startsWith('D'))
    return sentence(truncateMiddle(words, 1_000));
  return paragraph({ type: 'channel', channel_id: phase.channel }, ` ${switchWords(phase)}`);
}

/** A live message is short and shows mostly the newest lines; a final one shows as much as is comfortable to read. */
function outputRoom(isLive: boolean): Pick<OutputRoom, 'whole' | 'cut' | 'headShare'> {
  return isLive
    ? { whole: 4_500, cut: 4_500, headShare: 0.2 }
    : { whole: 10_000, cut: 5_000, headShare: 0.5 };
}
