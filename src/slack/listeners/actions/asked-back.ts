import { UserError } from '../../../errors.ts';
import { readNearCode, readRunNow } from '../../blocks/asked-back.ts';
import { readFetched } from '../../parsing/message-event.ts';
import { inTime } from '../boundary.ts';
import { takeAnew } from '../events/message-changed.ts';
import { submitNew } from '../requests.ts';
import { onInteraction } from './interaction.ts';

/** "Run as code" under "Did you mean …?": what was nearly a command was meant as it was typed. */
export const onRunAsCode = onInteraction(
  { what: 'a button of a command', read: readNearCode, asked: () => ({ act: 'runAsCode' }) },
  async ({ requestKey, channel, thread, text }, { user, reply }, bot) => {
    const isMessage = thread !== '';
    const looked = Promise.all([bot.users.find(user), bot.channels.mustBeMember(channel)]);
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

/** Run now, under the word that a message came late: the message as it is by now, as if it came just now. */
export const onRunNow = onInteraction(
  {
    what: 'a button of a late message',
    read: readRunNow,
    asked: () => ({ act: 'runNow' }),
    // It is read back first, with its files: that may take longer than Slack waits.
    isAcknowledgedFirst: () => true,
  },
  async ({ channel, thread, ts }, { user, respond, audited }, bot) => {
    const found = await bot.threads.message({ channel, thread }, ts);
    const posted = readFetched(found, channel);
    if (posted?.user !== user)
      throw new UserError('badCommand', 'That message is no longer there, or is not yours. Nothing ran.');
    await audited({}, () => takeAnew({ ...posted, isAskedAnew: true }, bot));
    // By its request it is known for seven days, and a direct message stays longer.
    await respond({ replace_original: true, text: OFFER_TAKEN }).catch((error: unknown) =>
      bot.log.warn(
        { event: 'offer.unended', err: error },
        'a late message ran, and its Run now button stays',
      ),
    );
  },
);
