import { UserError } from '../../../errors.ts';
import { must, refuse } from '../../auth/policy.ts';
import { mention } from '../../blocks/elements.ts';
import { runAsCodeButton } from '../../blocks/help.ts';
import { keepButton, kernelButtons } from '../../blocks/kernel-blocks.ts';
import { runNowButton } from '../../blocks/refusals.ts';
import { readFetched } from '../../parsing/message-event.ts';
import { inTime } from '../boundary.ts';
import { changeKernel, listKernels } from '../commands/kernels.ts';
import { takeAnew } from '../events/message-changed.ts';
import { onInteraction } from '../interactions.ts';
import { clickRequest, submitNew, untilDone } from '../requests.ts';

/** Buttons of messages other than answers: lists of kernels, warnings, questions and offers. */

/** Restart or Shut down, in the list of kernels or on the home tab, like the commands. */
export const onKernelButton = onInteraction(
  {
    what: 'a button of a kernel',
    read: kernelButtons.read,
    asked: ({ action }) => ({ act: action }),
    isAckedFirst: () => true,
    async listAnew(_, { user, channel }, bot) {
      const person = await bot.users.find(user);
      if (refuse('listKernels', person, channel, bot.policy) !== undefined) return { delete_original: true };
      return { replace_original: true, ...(await listKernels(person, bot)) };
    },
  },
  async (click, { user, channel, notify, audited }, bot) => {
    const { action, id } = click;
    const person = await bot.users.find(user);
    const record = bot.control.kernelById(bot.workspace, id);
    must(action === 'restart' ? 'restart' : 'shutDown', person, record.channel, bot.policy);
    const isHere = channel === record.channel || (await bot.channels.isMember(record.channel, user));
    if (!isHere) must('otherChannels', person, record.channel, bot.policy);
    const said = await untilDone(clickRequest(click), bot, async () => {
      const work = () => changeKernel(action, record, user, bot);
      const { text, told } = await audited({ channel: record.channel }, work);
      await bot.notify.channel({ channel: told.channel }, told.text);
      return text;
    });
    // A second press is not answered.
    if (said !== undefined) await notify(said);
  },
);

/** Keep, under the warning of an idle kernel, for everybody who may run code in the channel. */
export const onKeepButton = onInteraction(
  { what: 'a Keep button', read: keepButton.read, asked: () => ({ act: 'keep' }) },
  async ({ queue, kernelId }, { user, channel, reply, replace, audited }, bot) => {
    must('keep', await inTime(bot.users.find(user), reply.signal), channel, bot.policy);
    const end = async (text: string): Promise<void> => await replace({ replace_original: true, text });
    await audited({}, async () => {
      if (bot.control.keep(queue, kernelId)) return;
      await end('The kernel that this was about is gone, with its variables.');
      throw new UserError('noKernel', 'That kernel is gone already, with its variables.');
    });
    await end(`${mention(user)} kept the kernel.`);
  },
);

/** Run as code, under "Did you mean …?": runs the text that was nearly a command. */
export const onRunAsCode = onInteraction(
  { what: 'a button of a command', read: runAsCodeButton.read, asked: () => ({ act: 'runAsCode' }) },
  async ({ requestKey, channel, thread, text }, { user, reply }, bot) => {
    const isMessage = thread !== '';
    const looked = Promise.all([bot.users.find(user), bot.channels.mustBePostable(channel)]);
    const [person] = await inTime(looked, reply.signal);
    const request = {
      requestKey: `${requestKey}/code`,
      source: isMessage ? 'mention' : 'slash',
      channel,
      thread,
      snippet: { language: undefined, blocks: [text] },
      ...(isMessage ? { message: requestKey } : {}),
    } as const;
    await submitNew(request, person, bot, reply.signal);
  },
);

const OFFER_TAKEN = 'Slack brought this message late; its author has pressed Run now.';

/** Run now, under the notice that a message came late: handles the message, as it is now, as a new one. */
export const onRunNow = onInteraction(
  {
    what: 'a button of a late message',
    read: runNowButton.read,
    asked: () => ({ act: 'runNow' }),
    // Reading the message and its files may take longer than Slack waits.
    isAckedFirst: () => true,
  },
  async ({ channel, thread, ts }, { user, replace, audited }, bot) => {
    const found = await bot.threads.message({ channel, thread }, ts);
    const posted = readFetched(found, channel, bot.userId);
    if (posted?.user !== user)
      throw new UserError('badCommand', 'That message is no longer there, or is not yours. Nothing ran.');
    await audited({}, () => takeAnew({ ...posted, isAskedAnew: true }, bot));
    // The request is known for seven days only, but the notice may stay longer in direct messages.
    await replace({ replace_original: true, text: OFFER_TAKEN });
  },
);
