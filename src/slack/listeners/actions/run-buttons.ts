import { UserError } from '../../../errors.ts';
import type { RunAction } from '../../../runs/run-view.ts';
import type { Run } from '../../../runs/run.ts';
import { allRowsOf } from '../../../spark/sql/python.ts';
import { renderElapsed } from '../../../text.ts';
import { auditRun } from '../../auth/audit.ts';
import { type Action, must, type Person } from '../../auth/policy.ts';
import { channelName, type Click, mention } from '../../blocks/elements.ts';
import { runLine } from '../../blocks/run-summary.ts';
import { readButton } from '../../blocks/run/run-buttons.ts';
import { renderSave } from '../../blocks/saved/saved-blocks.ts';
import type { Bot } from '../../context.ts';
import { type Acknowledgement, inTime } from '../boundary.ts';
import { exportRuns } from '../commands/export.ts';
import { changeKernel } from '../commands/kernels.ts';
import { openInputBox } from '../input.ts';
import { onInteraction } from '../interactions.ts';
import {
  clickRequest,
  refuseDuplicate,
  repeated,
  runOnce,
  type RunRequest,
  submitRun,
  triggerRequest,
  findRunFor,
  untilDone,
} from '../requests.ts';
import { openEditorWith } from '../views/editor.ts';

/** A restart, or the deletion of many files, takes longer than the 3 s in which Slack expects the acknowledgement. */
const ACKNOWLEDGE_AFTER_MS = 1_000;

interface RunClick {
  button: Click<RunAction>;
  run: Run;
  person: Person;
  /** The run is the person's own. */
  isOwn: boolean;
  trigger: string;
  reply: Acknowledgement;
}

interface RunButton {
  right: (click: RunClick, bot: Bot) => Action;
  /**
   * For actions that accept nothing, such as opening a modal, whose trigger_id expires as soon as the acknowledgement
   * is due.
   */
  isAckedFirst?: true;
  act: (click: RunClick, bot: Bot) => Promise<void>;
}

const STOP: RunButton = {
  right: ({ isOwn }) => (isOwn ? 'stopOwn' : 'stopOthers'),
  act: decision('stop', async ({ run, person }, { control }) => void control.stop(run, person.id)),
};

const BUTTONS: Readonly<Record<RunAction, RunButton>> = {
  stop: STOP,
  cancel: STOP,
  switch: {
    right: ({ isOwn, run }, { control }) => (isOwn && control.hasRunAlone(run) ? 'switchOwn' : 'switch'),
    act: decision('switch', async ({ run, person }, { control }) => control.agreeToSwitch(run, person.id)),
  },
  restart: {
    // A kernel without Spark is of no use to anybody.
    right: ({ run }, { control }) => (control.hasLostSpark(run) ? 'run' : 'restart'),
    // `changeKernel` writes the audit line.
    act: decision(undefined, restartKernel),
  },
  delete: {
    right: ({ isOwn }) => (isOwn ? 'deleteOwn' : 'deleteOthers'),
    act: decision('delete', ({ run }, bot) => bot.runs.erase(run)),
  },
  runAgain: { right: () => 'run', act: runAgain },
  allRows: { right: () => 'run', act: showAllRows },
  editAndRun: {
    right: () => 'run',
    isAckedFirst: true,
    act: ({ run, trigger }, bot) => openEditorWith(run, trigger, bot),
  },
  answerInput: {
    right: ({ isOwn }) => (isOwn ? 'answerOwn' : 'answerOthers'),
    isAckedFirst: true,
    act: ({ run, trigger }, bot) => openInputBox(run, trigger, bot),
  },
  save: {
    right: () => 'choose',
    isAckedFirst: true,
    act: ({ run, trigger }, { views }) => views.openModal(trigger, async () => renderSave(run.id)),
  },
  ask: { right: () => 'look', isAckedFirst: true, act: askAbout },
  export: { right: () => 'look', isAckedFirst: true, act: exportThread },
};

/** A press on a button of an answer. */
export const onRunButton = onInteraction(
  {
    what: 'a button of a run',
    read: readButton,
    asked: ({ action, id }) => ({ act: action, run: id }),
    isAckedFirst: ({ action }) => BUTTONS[action].isAckedFirst === true,
  },
  async (button, { user, trigger, reply, audited }, bot) => {
    const [run, person] = await findRunFor(button.id, user, 'nothing was done', bot, reply.signal);
    const { channel, requester } = run;
    const click = { button, run, person, isOwn: requester === user, trigger, reply };
    const { right, act } = BUTTONS[button.action];
    must(right(click, bot), person, channel, bot.policy);
    await audited({ channel, requester }, () => act(click, bot));
  },
);

/** An action that counts once for each state of its run. `audit`: the audit's word if the run is somebody else's. */
function decision(audit: 'stop' | 'switch' | 'delete' | undefined, act: RunButton['act']): RunButton['act'] {
  return async (click, bot) => {
    const { button, run, person, isOwn, reply } = click;
    const waiting = setTimeout(() => void reply.send(), ACKNOWLEDGE_AFTER_MS);
    const decided = untilDone(clickRequest(button), bot, async () => {
      reply.signal.throwIfAborted();
      if (audit !== undefined && !isOwn) auditRun(audit, run, person.id, bot);
      await act(click, bot);
    });
    await decided.finally(() => clearTimeout(waiting));
  };
}

async function restartKernel({ run, person }: RunClick, bot: Bot): Promise<void> {
  const { told } = await changeKernel('restart', bot.control.kernelOf(run), person.id, bot);
  await bot.notify.channel({ channel: told.channel }, told.text);
}

async function runAgain(click: RunClick, bot: Bot): Promise<void> {
  const { run, isOwn } = click;
  const origin = isOwn ? undefined : 'again';
  await runFromButton(run.id, click, bot, async () => ({ snippet: await repeated(run, bot), origin }));
}

/** All rows of a table that was cut. Only the kernel of the run has them, and no kernel is started to find that out. */
async function showAllRows(click: RunClick, bot: Bot): Promise<void> {
  const { run, button } = click;
  const frame = button.state;
  if (!bot.control.hasKernelOf(run))
    throw new UserError(
      'noKernel',
      'The kernel that had this table is gone or was restarted, so nothing was done. Run its code again.',
    );
  const snippet = { language: run.data.kernelspec, blocks: [allRowsOf(frame)] };
  await runFromButton(`${run.id}/${frame}`, click, bot, async () => ({ snippet, origin: 'allRows' }));
}

/**
 * Starts a run whose requester is the person who pressed. Each press starts one, except the second of a double click.
 */
async function runFromButton(
  pressed: string,
  { run, person, trigger, reply }: RunClick,
  bot: Bot,
  read: () => Promise<Pick<RunRequest, 'snippet' | 'origin'>>,
): Promise<void> {
  const { recentClicks } = bot.memory;
  const click = `${person.id}/${pressed}`;
  if (recentClicks.has(click)) refuseDuplicate();
  recentClicks.set(click, true);
  const { channel, thread } = run;
  const requestKey = triggerRequest(bot.workspace, trigger);
  try {
    const [found] = await inTime(Promise.all([read(), bot.channels.mustBePostable(channel)]), reply.signal);
    const request = { requestKey, source: 'again', channel, thread, ...found } as const;
    const { kind } = await submitRun(request, person, bot, reply.signal);
    if (kind === 'accepted') return;
  } catch (error) {
    recentClicks.delete(click);
    throw error;
  }
  refuseDuplicate();
}

/** Exports once, also if Slack brings the press twice. */
async function exportThread({ run, person, trigger }: RunClick, bot: Bot): Promise<void> {
  const { channel, thread } = run;
  await runOnce(triggerRequest(bot.workspace, trigger), bot, async () => {
    const { text } = await exportRuns('thread', person, { channel, thread }, bot);
    await bot.notify.person({ channel, thread, user: person.id }, text);
  });
}

/** Ask: sends a direct message to the requester of the current run, on behalf of somebody who waits behind it. */
async function askAbout({ run: waiting, person, isOwn }: RunClick, bot: Bot): Promise<void> {
  if (!isOwn) throw new UserError('notAllowed', 'Only the person whose run waits can ask. Nobody was asked.');
  const { channel, thread } = waiting;
  const inHand = bot.control.askAbout(waiting);
  const since = renderElapsed(Date.now() - (inHand.data.startedAt ?? inHand.createdAt));
  bot.log.info(
    { event: 'run.asked', run: inHand.id, waiting: waiting.id },
    'a requester is asked about a run',
  );
  await bot.notify.person(
    { user: inHand.requester },
    `${mention(person.id)} waits in ${channelName(channel)} behind your run, for ${since} by now. If it need not go on, stop it:\n${runLine(inHand, bot.workspaceUrl)}`,
  );
  await bot.notify.person(
    { channel, thread, user: person.id },
    `${mention(inHand.requester)} was asked, by direct message.`,
  );
}
