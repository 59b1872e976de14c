import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import { type ButtonPress, readButton } from '../../blocks/run/run-buttons.ts';
import { auditAct } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import { changeKernel } from '../commands/change-kernel.ts';
import { type Action, must, type Person } from '../../auth/policy.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';
import { admit } from '../submit-run.ts';
import { pressDelivery } from '../request-keys.ts';
import { openEditorWith } from '../views/editor.ts';
import { showHome } from '../events/app-home.ts';
import { pressOnce } from '../run-once.ts';
import { openQuestion } from '../views/input.ts';

/** Presses that only open a modal: nothing is decided by them, so they count as often as they are made. */
const opening: ReadonlySet<ButtonPress['action']> = new Set(['editAndRun', 'answerInput']);

/** A restart, or the deletion of many files, takes longer than the 3 s in which Slack wants its acknowledgement. */
const ACCEPT_AFTER_MS = 1_000;

/** A press on a button of an answer. It is authorised anew: anybody in the channel can press (slack.md §6). */
export async function onPress(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const press = action.type === 'button' ? readButton(action.action_id, action.value ?? '') : undefined;
  if (press === undefined) return await ack();
  const user = body.user.id;
  let isAccepted = false;
  /** That Slack could not be told does not undo what was done. */
  const accept = async (): Promise<void> => {
    if (isAccepted) return;
    isAccepted = true;
    await ack().catch((error: unknown) => bot.log.warn({ err: error }, 'a press was not acknowledged'));
  };
  // A trigger lives no longer than an acknowledgement may take, and nothing is accepted by opening a modal.
  if (opening.has(press.action)) await accept();
  try {
    await obeyPress(press, { user, trigger: body.trigger_id, accept }, bot);
    await accept();
  } catch (error) {
    await accept();
    const text = refusalMrkdwn(error);
    if (text === undefined) bot.log.error({ err: error }, 'a press broke');
    const thread = body.container.type === 'message' ? threadOf(body) : undefined;
    await bot.tell.person({ channel: body.channel?.id, user, thread }, text ?? brokenText);
  }
  if (body.view?.type === 'home') await showHome(user, bot, undefined);
}

/** A refusal stands where the button stood. */
function threadOf({ message }: BlockAction): string | undefined {
  const thread: unknown = message?.['thread_ts'];
  return typeof thread === 'string' ? thread : undefined;
}

interface Presser {
  user: string;
  trigger: string;
  /** The press is in the ledger: Slack may be told so before it is done. */
  accept: () => Promise<void>;
}

async function obeyPress(press: ButtonPress, { user, trigger, accept }: Presser, bot: Bot): Promise<void> {
  const [run, person] = await Promise.all([bot.findRun(press.runId), bot.people.find(user)]);
  if (run === undefined)
    throw new UserError('badCommand', 'That run is not kept any more, so nothing was done (KEEP_RUNS).');
  must(await actionOf(press, run, run.requester === user, bot), person, run.channel, bot.policy);
  const { action } = press;
  switch (action) {
    case 'editAndRun':
      return await openEditorWith(run, trigger, bot);
    case 'answerInput':
      return await openQuestion(run, trigger, bot);
    case 'runAgain':
      return await runAgain(press, run, person, bot);
    case 'stop':
    case 'cancel':
    case 'switch':
    case 'restart':
    case 'delete':
      await pressOnce(pressDelivery(press.runId, action, press.state), bot, async () => {
        const waiting = setTimeout(() => void accept(), ACCEPT_AFTER_MS);
        if (run.requester !== user) auditPress(action, run, user, bot);
        await decide(action, run, user, bot).finally(() => clearTimeout(waiting));
      });
  }
}

async function actionOf(press: ButtonPress, run: Run, own: boolean, bot: Bot): Promise<Action> {
  switch (press.action) {
    case 'stop':
    case 'cancel':
      return own ? 'stopOwn' : 'stopOthers';
    case 'restart':
      return 'restart';
    case 'switch':
      return own && (await bot.control.hasRunAlone(run)) ? 'switchOwn' : 'switch';
    case 'delete':
      return own ? 'deleteOwn' : 'deleteOthers';
    case 'answerInput':
      return own ? 'answerOwn' : 'answerOthers';
    case 'runAgain':
    case 'editAndRun':
      return 'run';
  }
}

/** Who presses is the requester of the new run. The ledger takes the press once, and again after a refusal. */
async function runAgain(press: ButtonPress, run: Run, person: Person, bot: Bot): Promise<void> {
  const { channel, thread } = run;
  const delivery = pressDelivery(run.id, press.action, press.state);
  // The kernelspec that ran, not what the word means by now.
  const snippet = { language: run.data.kernelspec, blocks: await bot.code(run) };
  await admit({ requestKey: delivery, source: 'again', channel, thread, snippet }, person, bot);
}

type Decision = 'stop' | 'cancel' | 'switch' | 'restart' | 'delete';

/** A restart has the audit line of its kernel. */
function auditPress(decision: Decision, run: Run, user: string, bot: Bot): void {
  if (decision !== 'restart') auditAct(decision === 'cancel' ? 'stop' : decision, run, user, bot);
}

async function decide(action: Decision, run: Run, user: string, bot: Bot): Promise<void> {
  const { control } = bot;
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
      await bot.tell.channel({ channel: told.channel }, told.text);
      return;
    }
    case 'delete':
      await bot.erase(run);
  }
}
