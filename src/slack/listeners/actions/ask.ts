import { UserError } from '../../../errors.ts';
import type { Run } from '../../../runs/run.ts';
import type { Person } from '../../auth/policy.ts';
import { renderElapsed } from '../../blocks/duration.ts';
import { mention } from '../../blocks/mrkdwn.ts';
import { runLine } from '../../blocks/run-summary.ts';
import type { Bot } from '../../context.ts';

/** Ask: a direct message to the requester of the run in hand, from who waits behind it. */
export async function askAbout(waiting: Run, person: Person, bot: Bot): Promise<void> {
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
