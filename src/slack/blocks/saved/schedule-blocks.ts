import type { ActionsBlock, KnownBlock, ModalView } from '@slack/types';
import { z } from 'zod';
import type { Run } from '../../../runs/run.ts';
import { showParameters } from '../../../saved/parameters/values.ts';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import type { ScheduleNews } from '../../../saved/schedules/scheduler.ts';
import type { PauseReason, Schedule } from '../../../saved/schedules/schedules.ts';
import { joinWords } from '../../../text.ts';
import { SLASH_COMMAND } from '../../manifest.ts';
import {
  buttonRow,
  confirmation,
  createButtons,
  escapeMrkdwn,
  mention,
  option,
  plainText,
  renderField,
  renderModal,
  section,
  slackTime,
} from '../elements.ts';
import { jsonSize } from '../rich-text.ts';
import { answerLink, runStatus } from '../run-summary.ts';
import { truncateMrkdwn, truncate } from '../truncate.ts';

/** Texts about schedules (mrkdwn), their buttons and form. */

/** How many schedules have buttons. */
const SHOWN = 10;
/** How many characters of JSON all lines may have, besides the buttons. */
const LINES_ROOM = 4_000;

export interface ListedSchedule {
  schedule: Schedule;
  /** ms since the epoch; undefined if it is paused. */
  next: number | undefined;
  lastRun: Run | undefined;
}

export function renderSchedules(
  listed: readonly ListedSchedule[],
  workspaceUrl: string,
  now: number,
): { text: string; blocks: KnownBlock[] } {
  const head =
    listed.length === 0
      ? `Nothing is scheduled in this channel. \`${SLASH_COMMAND} schedule daily-report weekdays 8:00\` runs what is saved as \`daily-report\`; \`${SLASH_COMMAND} schedule\` alone opens a form.`
      : '*Schedules of this channel*';
  // Only the first ones have buttons, and a paused one needs Resume.
  const isPaused = ({ schedule }: ListedSchedule): boolean => schedule.pausedFor !== undefined;
  const ordered = [...listed.filter(isPaused), ...listed.filter((each) => !isPaused(each))];
  const fitting = fit(ordered.map((each) => scheduleLine(each, workspaceUrl)));
  const hidden = listed.length - fitting.length;
  const lines =
    hidden === 0 ? fitting : [...fitting, `and ${hidden} more, which \`unschedule\` knows by number`];
  const shown = ordered.slice(0, Math.min(SHOWN, fitting.length));
  const more = chunk(lines.slice(shown.length), 10);
  return {
    text: truncateMrkdwn([head, ...lines].join('\n'), 3_000),
    blocks: [
      section(head),
      ...shown.flatMap(({ schedule }, at): KnownBlock[] => [
        section(lines[at] ?? ''),
        renderScheduleButtons(schedule, now),
      ]),
      ...more.map((some) => section(some.join('\n'))),
    ],
  };
}

/** As many lines as fit; long ones are shortened. */
function fit(lines: readonly string[]): string[] {
  const short = lines.map((each) => truncateMrkdwn(each, 450));
  let room = LINES_ROOM;
  const over = short.findIndex((line) => (room -= jsonSize(line)) < 0);
  return over === -1 ? short : short.slice(0, over);
}

function chunk(lines: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, at) =>
    lines.slice(at * size, (at + 1) * size),
  );
}

/** `*2* · report n=5 · weekdays 8:00 (Europe/Berlin) · by @ana · next tomorrow at 8:00 · last run: Done · 4.3 s`. */
export function scheduleLine({ schedule, next, lastRun }: ListedSchedule, workspaceUrl: string): string {
  const { number, maker, pausedFor } = schedule;
  const when =
    pausedFor === undefined
      ? next === undefined
        ? 'never again'
        : `next ${slackTime(next)}`
      : `*paused* (${PAUSED[pausedFor]})`;
  return joinWords(' · ', [
    `*${number}*`,
    `${called(schedule)}, ${zoned(schedule)}`,
    `by ${mention(maker)}`,
    when,
    lastRunWords(lastRun, workspaceUrl),
    schedule.onlyOnFailure ? 'told only on failure' : '',
  ]);
}

const PAUSED: Readonly<Record<PauseReason, string>> = {
  byHand: 'by hand',
  failures: 'five failures in a row',
  makerGone: 'who made it is gone',
  snippetGone: 'its snippet is no longer saved',
  noChannel: 'the bot cannot post here',
};

function lastRunWords(run: Run | undefined, workspaceUrl: string): string {
  if (run === undefined) return '';
  const said = escapeMrkdwn(runStatus(run));
  const link = answerLink(run, workspaceUrl);
  return `last run: ${link === undefined ? said : `<${link}|${said}>`}`;
}

/** `report n=5`, as it is typed. */
function called({ name, parameters }: Schedule): string {
  const values = escapeMrkdwn(truncate(showParameters(parameters), 200)).replaceAll('`', 'ˋ');
  return `\`${joinWords(' ', [name, values])}\``;
}

function zoned({ words, timeZone }: Schedule): string {
  return `${escapeMrkdwn(words)} (${escapeMrkdwn(timeZone)})`;
}

export function scheduledAnswer(schedule: Schedule, times: readonly number[], isZoneKnown: boolean): string {
  const unknown = isZoneKnown ? '' : ' Slack does not tell your time zone, so it is UTC.';
  return `Schedule ${schedule.number}: ${called(schedule)}, ${zoned(schedule)}. Next: ${times.map(slackTime).join(', ')}.${unknown}`;
}

/** `schedule 2 (report, weekdays 8:00)`. */
export function scheduleName(schedule: Schedule): string {
  return `schedule ${schedule.number} (${called(schedule)}, ${escapeMrkdwn(schedule.words)})`;
}

const WHY_PAUSED: Readonly<Record<Exclude<PauseReason, 'byHand' | 'makerGone'>, string>> = {
  failures: 'failed five times in a row',
  snippetGone: 'runs a snippet that is no longer saved',
  noChannel: 'cannot run: the bot is not in its channel, or the channel is archived',
};

/** The notice to its channel, which mentions its maker. */
export function newsText(schedule: Schedule, news: ScheduleNews): string {
  const named = `${mention(schedule.maker)}: ${scheduleName(schedule)}`;
  switch (news.kind) {
    case 'missed':
      return `${named} was missed ${slackTime(news.plannedAtMs)}, because it could not begin within an hour. It goes on with its next time.`;
    case 'refused':
      return `${named} did not run: ${escapeMrkdwn(news.why)}`;
    case 'paused':
      // Nobody is mentioned, and Resume would not help.
      if (news.reason === 'makerGone')
        return `Paused: ${scheduleName(schedule)}. The account of its maker is deactivated, or is no longer in this channel. To run it as yourself, schedule it again; \`${SLASH_COMMAND} schedules\` has Delete.`;
      return `${named} ${WHY_PAUSED[news.reason]}. It is paused; \`${SLASH_COMMAND} schedules\` has Resume and Delete.`;
  }
}

export type ScheduleAction = 'pause' | 'resume' | 'runNow' | 'delete';

/** The buttons of a schedule, in the list of schedules and on the home tab. */
export const scheduleButtons = createButtons<ScheduleAction>(
  'schedule:',
  { pause: 'Pause', resume: 'Resume', runNow: 'Run now', delete: 'Delete' },
  { delete: confirmation('Delete?', 'It runs no more. What is saved stays.', 'Delete') },
);

export function renderScheduleButtons({ id, pausedFor }: Schedule, shownAtMs: number): ActionsBlock {
  const actions = [pausedFor === undefined ? 'pause' : 'resume', 'runNow', 'delete'] as const;
  return buttonRow(...actions.map((action) => scheduleButtons.render(action, id, shownAtMs)));
}

/** The form for a new schedule. */
export const SCHEDULE_CALLBACK = 'schedule';
export const SNIPPET_BLOCK = 'snippet';
export const TIMING_BLOCK = 'timing';
export const VALUES_BLOCK = 'values';
export const NOTICE_BLOCK = 'notice';
export const ONLY_ON_FAILURE = 'onlyOnFailure';

export const schedulePlaceSchema = z.object({ channel: z.string() });

/** `channel`: where it will run. */
export function renderScheduleForm(channel: string, saved: readonly SavedSnippet[]): ModalView {
  const options = saved.map(({ name }) => option(name, name));
  const head = { callback: SCHEDULE_CALLBACK, title: 'Schedule', submit: 'Schedule', metadata: { channel } };
  return renderModal(head, [
    renderField(SNIPPET_BLOCK, 'Saved snippet', { type: 'static_select', options }),
    renderField(
      TIMING_BLOCK,
      'When',
      { type: 'plain_text_input', max_length: 200, placeholder: plainText('weekdays 8:00') },
      {
        hint: 'weekdays 8:00 · daily 7:30 · mondays 9:00 · hourly · every 30 min · or a cron line in quotes: "0 8 * * 1-5". In your time zone.',
      },
    ),
    renderField(
      VALUES_BLOCK,
      'Values',
      { type: 'plain_text_input', max_length: 3_000 },
      { optional: true, hint: 'n=5 day="2026-01-31" cities=["Bonn", "Ulm"]' },
    ),
    renderField(
      NOTICE_BLOCK,
      'The channel is told',
      { type: 'checkboxes', options: [{ text: plainText('only on failure'), value: ONLY_ON_FAILURE }] },
      { optional: true },
    ),
  ]);
}
