import type { BlockAction, SlackActionMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../errors.ts';
import type { Run } from '../../runs/run-data.ts';
import { type ButtonPress, readButton } from '../answer/render-buttons.ts';
import type { Bot } from '../bot.ts';
import { mention } from '../mrkdwn-words.ts';
import { type Action, type Person, refuse } from '../policy.ts';
import { brokenText, refusalText } from '../refusal-text.ts';
import { pressDelivery } from './deliveries.ts';

/** A press on a button of an answer. It is authorised anew: anybody in the channel can press (slack.md §6). */
export async function onPress(
  { ack, body, action }: SlackActionMiddlewareArgs<BlockAction>,
  bot: Bot,
): Promise<void> {
  const press = action.type === 'button' ? readButton(action.action_id, action.value ?? '') : undefined;
  const channel = body.channel?.id;
  const user = body.user.id;
  const thread = body.message?.['thread_ts'] as string | undefined;
  try {
    if (press !== undefined && channel !== undefined) await obeyPress(press, user, bot);
    await ack();
  } catch (error) {
    await ack();
    const text = refusalText(error);
    if (text === undefined) bot.log.error({ err: error }, 'a press broke');
    if (channel !== undefined) await bot.tell.person({ channel, user, thread }, text ?? brokenText);
  }
}

async function obeyPress(press: ButtonPress, user: string, bot: Bot): Promise<void> {
  const run = await bot.findRun(press.runId);
  if (run === undefined)
    throw new UserError('badCommand', 'That run is not kept any more, so nothing was done (KEEP_RUNS).');
  const person = await bot.people.find(user);
  const own = run.runner === user;
  must(await actionOf(press, run, own, bot), person, run, bot);
  if (!(await bot.claim(pressDelivery(press.runId, press.action, press.state)))) return;
  await act(press, run, user, bot);
}

async function actionOf(press: ButtonPress, run: Run, own: boolean, bot: Bot): Promise<Action> {
  switch (press.action) {
    case 'stop':
    case 'cancel':
      return own ? 'stopOwn' : 'stopOthers';
    case 'restart':
      return 'restart';
    case 'switch':
      return own && (await bot.control.hasRunAlone(run)) ? 'switchOwnKernel' : 'switchKernel';
    case 'delete':
      return own ? 'deleteOwnAnswer' : 'deleteOthersAnswer';
    case 'runAgain':
    case 'editAndRun':
    case 'keepLanguage':
    case 'answerInput':
      return 'run';
  }
}

async function act(press: ButtonPress, run: Run, user: string, bot: Bot): Promise<void> {
  const { workspace, channel, thread } = run;
  switch (press.action) {
    case 'stop':
    case 'cancel':
      await bot.control.stop(run, user);
      return;
    case 'switch':
      await bot.control.agreeToSwitch(run);
      return;
    case 'restart': {
      const record = await bot.control.restart(workspace, channel);
      await bot.tell.channel(
        { channel },
        `${mention(user)} restarted the ${record.kernelspec} kernel; variables are gone.`,
      );
      return;
    }
    case 'runAgain': {
      const delivery = pressDelivery(run.id, 'again', `${press.state}/${run.revision}`);
      // The kernelspec that ran, not what the word means by now.
      const snippet = { language: run.data.kernelspec, blocks: run.data.blocks };
      await bot.admit({ delivery, door: 'again', workspace, channel, thread, runner: user, snippet });
      return;
    }
    case 'delete':
    case 'editAndRun':
    case 'keepLanguage':
    case 'answerInput':
      throw new UserError('badCommand', 'That button does nothing yet.');
  }
}

function must(action: Action, person: Person, run: Run, bot: Bot): void {
  const refused = refuse(action, person, run.channel, bot.policy);
  if (refused !== undefined) throw new UserError('notAllowed', refused);
}
