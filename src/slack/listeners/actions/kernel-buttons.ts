import { UserError } from '../../../errors.ts';
import { readKeep } from '../../api/notify.ts';
import { must, refuse } from '../../auth/policy.ts';
import { mention } from '../../blocks/elements.ts';
import { kernelButtons } from '../../blocks/kernel-text.ts';
import { changeKernel, listKernels } from '../commands/kernels.ts';
import { inTime } from '../boundary.ts';
import { kernelClickRequest, untilDone } from '../requests.ts';
import { onInteraction } from './interaction.ts';

/** Restart or Shut down in the list of kernels or on the home tab: as the command does it. */
export const onKernelButton = onInteraction(
  {
    what: 'a button of a kernel',
    read: kernelButtons.read,
    asked: ({ action }) => ({ act: action }),
    isAcknowledgedFirst: () => true,
    async listAnew(_, { user, channel }, bot) {
      const person = await bot.users.find(user);
      if (refuse('listKernels', person, channel, bot.policy) !== undefined) return { delete_original: true };
      return { replace_original: true, ...(await listKernels(person, bot)) };
    },
  },
  async ({ action, id, state }, { user, channel, notify, audited }, bot) => {
    const [person, record] = await Promise.all([
      bot.users.find(user),
      bot.control.kernelById(bot.workspace, id),
    ]);
    must(action === 'restart' ? 'restart' : 'shutDown', person, record.channel, bot.policy);
    const isHere = channel === record.channel || (await bot.channels.isMember(record.channel, user));
    if (!isHere) must('otherChannels', person, record.channel, bot.policy);
    const said = await untilDone(kernelClickRequest(id, action, state), bot, async () => {
      const work = () => changeKernel(action, record, user, bot);
      const { text, told } = await audited({ channel: record.channel }, work);
      await bot.notify.channel({ channel: told.channel }, told.text);
      return text;
    });
    // Of a second press nothing is said.
    if (said !== undefined) await notify(said);
  },
);

/** The Keep button under the warning of an idle kernel, for everybody who may run code in the channel. */
export const onKeepButton = onInteraction(
  { what: 'a Keep button', read: readKeep, asked: () => ({ act: 'keep' }) },
  async ({ queue, kernelId }, { user, channel, reply, respond, audited }, bot) => {
    must('keep', await inTime(bot.users.find(user), reply.signal), channel, bot.policy);
    const end = async (text: string): Promise<unknown> =>
      await respond({ replace_original: true, text }).catch((error: unknown) =>
        bot.log.warn(
          { event: 'warning.unended', err: error },
          'what a Keep press came to could not be shown',
        ),
      );
    await audited({}, async () => {
      if (await bot.control.keep(queue, kernelId)) return;
      await reply.send();
      await end('The kernel that this was about is gone, with its variables.');
      throw new UserError('noKernel', 'That kernel is gone already, with its variables.');
    });
    await reply.send();
    await end(`${mention(user)} kept the kernel.`);
  },
);
