import type { ActionsBlock } from '@slack/types';
import type { RunAction, RunPhase } from '../../../runs/run-view.ts';
import { buttonRow, type Click, createButtons, plainText } from '../elements.ts';

const PREFIX = 'run:';
const MENU = `${PREFIX}menu`;

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

export const runButtons = createButtons<RunAction>(PREFIX, LABELS, {
  restart: { style: 'danger' },
  switch: { style: 'danger' },
  answerInput: { style: 'primary' },
});

/** Rarely used actions, in a menu. Slack takes five options. */
const IN_MENU: ReadonlySet<RunAction> = new Set(['save', 'export']);

/** The row of buttons under a run message, the menu last; undefined if there is nothing to press. */
export function renderButtons(
  runId: string,
  phase: RunPhase,
  actions: readonly RunAction[],
): ActionsBlock | undefined {
  if (actions.length === 0) return undefined;
  const state = stateOf(phase);
  const row: ActionsBlock = buttonRow(
    ...actions
      .filter((action) => !IN_MENU.has(action))
      .map((action) => runButtons.render(action, runId, state)),
  );
  const options = actions
    .filter((action) => IN_MENU.has(action))
    .map((action) => ({ text: plainText(LABELS[action]), value: `${action}|${runId}|${state}` }));
  if (options.length > 0) row.elements.push({ type: 'overflow', action_id: MENU, options });
  return row;
}

/** The button below a table of which the kernel has more rows. */
export function renderAllRows(runId: string, { frame }: { frame?: string | undefined }): ActionsBlock[] {
  return frame === undefined ? [] : [buttonRow(runButtons.render('allRows', runId, frame))];
}

/**
 * Reads a pressed button or the chosen option of the menu; undefined for any other. `state` is that of the phase in
 * which it was shown, or the frame of its table.
 */
export function readButton(value: string, actionId: string): Click<RunAction> | undefined {
  const isMenu = actionId === MENU;
  const [chosen = '', ...rest] = value.split('|');
  const click = isMenu
    ? runButtons.read(rest.join('|'), `${PREFIX}${chosen}`)
    : runButtons.read(value, actionId);
  return click !== undefined && IN_MENU.has(click.action) === isMenu ? click : undefined;
}

/**
 * Each time that a stop has no effect, and each time that the switch is asked for, the button has another state: it
 * counts anew.
 */
function stateOf(phase: RunPhase): string {
  const sinceMs =
    phase.kind === 'running' ? phase.ignoredAtMs : phase.kind === 'switchAsked' ? phase.askedAtMs : undefined;
  return sinceMs === undefined ? phase.kind : `${phase.kind}/${sinceMs}`;
}
