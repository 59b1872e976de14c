import type { ActionsBlock, Button, Overflow } from '@slack/types';
import type { RunAction, RunPhase } from '../../../runs/run-view.ts';
import { button, buttonRow, plainText } from '../elements.ts';

const PREFIX = 'run:';
const MENU = `${PREFIX}menu`;

/** The row of buttons under a run message, the menu last; undefined when there is nothing to press. */
export function renderButtons(
  runId: string,
  phase: RunPhase,
  actions: readonly RunAction[],
): ActionsBlock | undefined {
  if (actions.length === 0) return undefined;
  const buttons = actions.filter((action) => !IN_MENU.has(action));
  const rows = actions.filter((action) => IN_MENU.has(action));
  return {
    type: 'actions',
    elements: [
      ...buttons.map((action) => renderButton(runId, stateOf(phase), action)),
      ...(rows.length === 0 ? [] : [renderMenu(runId, phase, rows)]),
    ],
  };
}

/** Below a table of which the kernel has more rows; none below another. */
export function renderAllRows(runId: string, { frame }: { frame?: string | undefined }): ActionsBlock[] {
  if (frame === undefined) return [];
  return [buttonRow(renderButton(runId, frame, 'allRows'))];
}

export interface ButtonClick {
  action: RunAction;
  runId: string;
  /** `stateOf` the phase in which it was shown, or the frame of the table above: with run and action it counts once. */
  state: string;
}

/** Reads a pressed button, or the chosen row of a menu; undefined when it is none of ours. */
export function readButton(value: string, actionId: string): ButtonClick | undefined {
  const isMenu = actionId === MENU;
  const words = value.split('|');
  const [action = '', runId, state] = isMenu ? words : [actionId.slice(PREFIX.length), ...words];
  if (!isAction(action) || IN_MENU.has(action) !== isMenu) return undefined;
  return runId === undefined || runId === '' || state === undefined ? undefined : { action, runId, state };
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
  allRows: 'All rows as CSV',
  save: 'Save',
  export: 'Export as notebook',
};

/** What few want of an answer, and not often: rows of its menu. Slack takes five. */
const IN_MENU: ReadonlySet<RunAction> = new Set(['save', 'export']);

function isAction(name: string): name is RunAction {
  return Object.hasOwn(LABELS, name);
}

/** Each time that a stop is seen to have no effect, Stop is another press; so is Switch each time that it is asked. */
function stateOf(phase: RunPhase): string {
  const sinceMs =
    phase.kind === 'running' ? phase.ignoredAtMs : phase.kind === 'switchAsked' ? phase.askedAtMs : undefined;
  return sinceMs === undefined ? phase.kind : `${phase.kind}/${sinceMs}`;
}

const STYLES: Partial<Record<RunAction, 'danger' | 'primary'>> = {
  restart: 'danger',
  switch: 'danger',
  answerInput: 'primary',
};

function renderButton(runId: string, state: string, action: RunAction): Button {
  const style = STYLES[action];
  return button(
    LABELS[action],
    `${PREFIX}${action}`,
    `${runId}|${state}`,
    style === undefined ? {} : { style },
  );
}

function renderMenu(runId: string, phase: RunPhase, actions: readonly RunAction[]): Overflow {
  const options = actions.map((action) => ({
    text: plainText(LABELS[action]),
    value: `${action}|${runId}|${stateOf(phase)}`,
  }));
  return { type: 'overflow', action_id: MENU, options };
}
