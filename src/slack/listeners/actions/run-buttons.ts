import { UserError } from '../../../errors.ts';
import { languageOf, type Run } from '../../../runs/run.ts';
import type { RunAction } from '../../../runs/run-view.ts';
import { allRowsOf } from '../../../spark/sql/python.ts';
import { auditRun } from '../../auth/audit.ts';
import { type Action, must, type Person } from '../../auth/policy.ts';
import { type ButtonClick, readButton } from '../../blocks/run/run-buttons.ts';
import type { Bot } from '../../context.ts';
import { renderElapsed } from '../../blocks/duration.ts';
import { mention } from '../../blocks/elements.ts';
import { runLine } from '../../blocks/run-summary.ts';
import { renderSave } from '../../blocks/saved/saved-modals.ts';
import { exportRuns } from '../commands/export.ts';
import { changeKernel } from '../commands/kernels.ts';
import { type Acknowledgement, inTime } from '../boundary.ts';
import {
  clickRequest,
  notebookOf,
  refuseDuplicate,
  runOnce,
  type RunRequest,
  submitRun,
  triggerRequest,
} from '../requests.ts';
import { openEditorWith } from '../views/editor.ts';
import { openQuestion } from '../views/input.ts';
import { onPress } from './press.ts';

/** A restart, or the deletion of many files, takes longer than the 3 s in which Slack wants its acknowledgement. */
const ACKNOWLEDGE_AFTER_MS = 1_000;

/** Nothing is accepted by opening a modal or by asking, and a trigger_id expires with the time for the acknowledgement. */
const ACCEPT_NOTHING: ReadonlySet<RunAction> = new Set([
  'editAndRun',
  'answerInput',
  'ask',
  'export',
  'save',
]);

/** A press on a button of an answer. */
export const onRunButton = onPress(
  {
    what: 'a button of a run',
    read: readButton,
    asked: ({ action, runId }) => ({ act: action, run: runId }),
    isAcknowledgedFirst: ({ action }) => ACCEPT_NOTHING.has(action),
  },
  async (button, { user, trigger, reply, audited }, bot) => {
    const found = Promise.all([bot.findRun(button.runId), bot.users.find(user)]);
    const [run, person] = await inTime(found, reply.isSent ? undefined : reply.signal);
    if (run === undefined)
      throw new UserError('badCommand', 'That run is no longer kept, so nothing was done.');
    must(await actionOf(button, run, run.requester === user, bot), person, run.channel, bot.policy);
    const { channel, requester } = run;
    await audited({ channel, requester }, () => act(button, { run, person, trigger, reply }, bot));
  },
);

interface Click {
  run: Run;
  person: Person;
  trigger: string;
  reply: Acknowledgement;
}

async function act(button: ButtonClick, click: Click, bot: Bot): Promise<void> {
  const { action } = button;
  const { run, person, trigger, reply } = click;
  switch (action) {
    case 'editAndRun':
      return await openEditorWith(run, trigger, bot);
    case 'answerInput':
      return await openQuestion(run, trigger, bot);
    case 'save':
      return await bot.views.openModal(trigger, async () => renderSave(run.id));
    case 'runAgain':
      return await runAgain(click, bot);
    case 'allRows':
      return await showAllRows(button.state, click, bot);
    case 'export':
      return await exportThread(click, bot);
    case 'ask':
      return await askAbout(run, person, bot);
    case 'stop':
    case 'cancel':
    case 'switch':
    case 'restart':
    case 'delete':
      await runOnce(clickRequest(button.runId, action, button.state), bot, async () => {
        reply.signal.throwIfAborted();
        const waiting = setTimeout(() => void reply.send(), ACKNOWLEDGE_AFTER_MS);
        await decide(action, run, person.id, bot).finally(() => clearTimeout(waiting));
      });
  }
}

async function actionOf(click: ButtonClick, run: Run, own: boolean, bot: Bot): Promise<Action> {
  switch (click.action) {
    case 'stop':
    case 'cancel':
      return own ? 'stopOwn' : 'stopOthers';
    case 'ask':
    case 'export':
      return 'look';
    case 'restart':
      // Without its Spark the kernel is of no use to anybody.
      return bot.control.hasLostSpark(run) ? 'run' : 'restart';
    case 'switch':
      return own && (await bot.control.hasRunAlone(run)) ? 'switchOwn' : 'switch';
    case 'delete':
      return own ? 'deleteOwn' : 'deleteOthers';
    case 'answerInput':
      return own ? 'answerOwn' : 'answerOthers';
    case 'runAgain':
    case 'editAndRun':
    case 'allRows':
      return 'run';
    case 'save':
      return 'choose';
  }
}

async function runAgain(click: Click, bot: Bot): Promise<void> {
  const { run, person } = click;
  const origin = run.requester === person.id ? undefined : 'again';
  await runFromButton(run.id, click, bot, async () => {
    const [blocks, notebook] = await Promise.all([bot.code(run), notebookOf(run, bot)]);
    return { snippet: { ...languageOf(run), blocks, notebook }, origin };
  });
}

/** Of a result that was shown in short: no other kernel has it, and none is started to say so. */
async function showAllRows(frame: string, click: Click, bot: Bot): Promise<void> {
  const { run } = click;
  if (!bot.control.hasKernelOf(run))
    throw new UserError(
      'noKernel',
      'The kernel that had this table is gone or was restarted, so nothing was done. Run its code again.',
    );
  const snippet = { language: run.data.kernelspec, blocks: [allRowsOf(frame)] };
  await runFromButton(`${run.id}/${frame}`, click, bot, async () => ({ snippet, origin: 'allRows' }));
}

/** The person who presses is the requester of a new run. Each press makes one, but for a double click. */
async function runFromButton(
  pressed: string,
  { run, person, trigger, reply }: Click,
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
    const request = { requestKey, source: 'again', channel, thread, ...(await read()) } as const;
    const { kind } = await submitRun(request, person, bot, reply.signal);
    if (kind === 'accepted') return;
  } catch (error) {
    recentClicks.delete(click);
    throw error;
  }
  refuseDuplicate();
}

/** A press that Slack brings twice is one. */
async function exportThread({ run, person, trigger }: Click, bot: Bot): Promise<void> {
  const { channel, thread } = run;
  await runOnce(triggerRequest(bot.workspace, trigger), bot, async () => {
    const { text } = await exportRuns('thread', person, { channel, thread }, bot);
    await bot.notify.person({ channel, thread, user: person.id }, text);
  });
}

type Decision = 'stop' | 'cancel' | 'switch' | 'restart' | 'delete';

async function decide(action: Decision, run: Run, user: string, bot: Bot): Promise<void> {
  const { control } = bot;
  // A restart has the audit line of its kernel.
  if (run.requester !== user && action !== 'restart')
    auditRun(action === 'cancel' ? 'stop' : action, run, user, bot);
  switch (action) {
    case 'stop':
    case 'cancel':
      await control.stop(run, user);
      return;
    case 'switch':
      await control.agreeToSwitch(run, user);
      return;
    case 'restart': {
      const { told } = await changeKernel('restart', await control.kernelOf(run), user, bot);
      await bot.notify.channel({ channel: told.channel }, told.text);
      return;
    }
    case 'delete':
      await bot.erase(run);
  }
}

/** Ask: a direct message to the requester of the run in hand, from who waits behind it. */
async function askAbout(waiting: Run, person: Person, bot: Bot): Promise<void> {
  if (waiting.requester !== person.id)
    throw new UserError('notAllowed', 'Only the person whose run waits can ask. Nobody was asked.');
  const { channel, thread } = waiting;
  const inHand = bot.control.askAbout(waiting);
  const since = renderElapsed(Date.now() - (inHand.data.startedAt ?? inHand.createdAt));
  bot.log.info(
    { event: 'run.asked', run: inHand.id, waiting: waiting.id },
    'a requester is asked about a run',
  );
  await bot.notify.person(
    { user: inHand.requester },
    `${mention(person.id)} waits in <#${channel}> behind your run, for ${since} by now. If it need not go on, stop it:\n${runLine(inHand, bot.workspaceUrl)}`,
  );
  await bot.notify.person(
    { channel, thread: thread === '' ? undefined : thread, user: person.id },
    `${mention(inHand.requester)} was asked, by direct message.`,
  );
}
