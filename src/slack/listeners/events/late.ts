import type { KnownBlock } from '@slack/types';
import { UserError } from '../../../errors.ts';
import { renderElapsed } from '../../blocks/duration.ts';
import { button, buttonRow } from '../../blocks/elements.ts';
import { section } from '../../blocks/mrkdwn.ts';
import type { PostedMessage } from '../../parsing/message-event.ts';

/** What Slack brings later than this (an outage, delayed events) may not be wanted any more. */
const LATE_MS = 15 * 60_000;

export const runNowAction = 'late:run';

/** Slack's ts are seconds since the epoch. */
function ageMs({ ts, editedTs }: PostedMessage): number {
  return Date.now() - Number(editedTs ?? ts) * 1000;
}

export function isLate(posted: PostedMessage): boolean {
  return posted.isAskedAnew !== true && ageMs(posted) > LATE_MS;
}

/** Throws `UserError` (`late`) for a message that came late: it runs when its author presses Run now. */
export function refuseLate(posted: PostedMessage): never {
  throw new UserError(
    'late',
    `Slack brought this message ${renderElapsed(ageMs(posted))} after it was written, so it did not run by itself.`,
  );
}

/** Run now was pressed, and the message has become talk. */
export function nothingAsked(): UserError {
  return new UserError('badCommand', 'That message no longer asks for a run. Nothing ran.');
}

/** That sentence with its button. */
export function renderRunNow(text: string, { ts, thread = ts }: PostedMessage): KnownBlock[] {
  return [section(text), buttonRow(button('Run now', runNowAction, `${thread}|${ts}`))];
}

/** Which message is meant, and its thread. */
export function readRunNow(value: string | undefined): { thread: string; ts: string } | undefined {
  const [, thread, ts] = /^([\d.]+)\|([\d.]+)$/.exec(value ?? '') ?? [];
  return thread === undefined || ts === undefined ? undefined : { thread, ts };
}
