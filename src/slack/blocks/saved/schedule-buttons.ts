import type { ActionsBlock, Button } from '@slack/types';
import type { Schedule } from '../../../saved/schedules/schedule.ts';

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
  return {
    type: 'actions',
    elements: actions.map((action): Button => ({
      type: 'button',
      text: { type: 'plain_text', text: LABELS[action] },
      action_id: `${PREFIX}${action}`,
      value: `${id}|${shownAtMs}`,
      ...(action === 'delete' ? { confirm: deleteConfirm } : {}),
    })),
  };
}

const deleteConfirm: NonNullable<Button['confirm']> = {
  title: { type: 'plain_text', text: 'Delete?' },
  text: { type: 'plain_text', text: 'It runs no more. What is saved stays.' },
  confirm: { type: 'plain_text', text: 'Delete' },
  deny: { type: 'plain_text', text: 'Cancel' },
  style: 'danger',
};

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
