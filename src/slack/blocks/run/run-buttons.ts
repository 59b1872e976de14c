import type { ActionsBlock, Button } from '@slack/types';
import type { RunAction, RunPhase } from '../../../runs/run-view.ts';

const PREFIX = 'run:';

/** The row of buttons under a run message; undefined when there is nothing to press. */
export function renderButtons(
  runId: string,
  phase: RunPhase,
  actions: readonly RunAction[],
): ActionsBlock | undefined {
  if (actions.length === 0) return undefined;
  return { type: 'actions', elements: actions.map((action) => renderButton(runId, phase, action)) };
}

export interface ButtonClick {
  action: RunAction;
  runId: string;
  /** The phase in which the button was shown: with run and action it counts once. */
  state: string;
}

/** Reads what a pressed button carries; undefined when it is none of ours. */
export function readButton(actionId: string, value: string): ButtonClick | undefined {
  const action = actionId.startsWith(PREFIX) ? actionId.slice(PREFIX.length) : '';
  const [runId, state] = value.split('|');
  if (!isAction(action) || runId === undefined || runId === '' || state === undefined) return undefined;
  return { action, runId, state };
}

const LABELS: Readonly<Record<RunAction, string>> = {
  stop: 'Stop',
  cancel: 'Cancel',
  ask: 'Ask',
  runAgain: 'Run again',
  editAndRun: 'Edit and run',
  delete: 'Delete',
  switch: 'Switch',
  restart: 'Restart',
  answerInput: 'Answer',
};

function isAction(name: string): name is RunAction {
  return Object.hasOwn(LABELS, name);
}

function renderButton(runId: string, phase: RunPhase, action: RunAction): Button {
  return {
    type: 'button',
    text: { type: 'plain_text', text: LABELS[action] },
    action_id: `${PREFIX}${action}`,
    value: `${runId}|${phase.kind}`,
    ...(action === 'restart' || action === 'switch' ? { style: 'danger' as const } : {}),
    ...(action === 'answerInput' ? { style: 'primary' as const } : {}),
  };
}
