import type { ActionsBlock } from '@slack/types';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { button, buttonRow, confirmation } from '../elements.ts';

/** What can be done to a schedule by a button: in the list of schedules and on the home tab. */
const scheduleActions = ['pause', 'resume', 'runNow', 'delete'] as const;
export type ScheduleAction = (typeof scheduleActions)[number];

const PREFIX = 'schedule:';
const LABELS: Readonly<Record<ScheduleAction, string>> = {
  pause: 'Pause',
  resume: 'Resume',
  runNow: 'Run now',
  delete: 'Delete',
};

export const scheduleButtonId = /^schedule:(?:pause|resume|runNow|delete)$/;

/** `shownAtMs` makes a press of Run now count once for each time that the button was shown. */
export function renderScheduleButtons({ id, pausedFor }: Schedule, shownAtMs: number): ActionsBlock {
  const actions: ScheduleAction[] = [pausedFor === undefined ? 'pause' : 'resume', 'runNow', 'delete'];
  return buttonRow(
    ...actions.map((action) =>
      button(
        LABELS[action],
        `${PREFIX}${action}`,
        `${id}|${shownAtMs}`,
        action === 'delete' ? { confirm: DELETES } : {},
      ),
    ),
  );
}

const DELETES = confirmation('Delete?', 'It runs no more. What is saved stays.', 'Delete');

export interface ScheduleClick {
  action: ScheduleAction;
  id: string;
  shownAtMs: string;
}

/** Undefined when it is none of ours. */
export function readScheduleButton(actionId: string, value: string): ScheduleClick | undefined {
  const action = scheduleActions.find((name) => `${PREFIX}${name}` === actionId);
  const [id, shownAtMs] = value.split('|');
  if (action === undefined || !id || !shownAtMs) return undefined;
  return { action, id, shownAtMs };
}
