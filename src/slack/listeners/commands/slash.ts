import type { RespondArguments, SlackCommandMiddlewareArgs } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type { Bot } from '../../context.ts';
import { readRequest, readSlash, readWithLanguages } from '../../parsing/request.ts';
import { Acknowledgement, inTime, withBoundary } from '../boundary.ts';
import { runOnce, submitRun, triggerRequest } from '../requests.ts';
import { openEditor } from '../views/editor.ts';
import { openScheduleForm } from '../views/saved-forms.ts';
import { isSlow, runCommand, notifyAnswer } from './execute.ts';
import { resolveSaved } from './saved.ts';

/** `/spark …`: code, a command, or nothing, which opens the editor. Acknowledged when it is accepted or refused. */
export async function onSlash({ command: said, ack, respond }: SlackCommandMiddlewareArgs, bot: Bot) {
  const { channel_id: channel, user_id: user, trigger_id: trigger, text } = said;
  const reply = new Acknowledgement<string | RespondArguments>(ack, bot.log);
  const key = triggerRequest(bot.workspace, trigger);
  const notify = async (words: string, blocks?: KnownBlock[]): Promise<void> => {
    const answer = {
      response_type: 'ephemeral',
      text: words,
      ...(blocks === undefined ? {} : { blocks }),
    } as const;
    if (!reply.isSent) return await reply.send(answer);
    // The response_url may have expired, or Slack does not answer.
    await respond(answer).catch(() => bot.notify.person({ channel, user }, words, blocks));
  };
  const edit = async (): Promise<void> => {
    await reply.send();
    await openEditor({ user, trigger, channel }, bot);
  };
  const boundary = {
    what: 'a slash command',
    notify: (words: string) => notify(words),
    asked: { audit: 'slash', user, channel },
  };
  await withBoundary(boundary, bot, async () => {
    // The trigger_id expires after 3 s, so it is used before anything is looked up.
    if ((text ?? '').trim() === '') return await edit();
    const finding = bot.users.find(user);
    const request = await inTime(
      readWithLanguages(bot.languages(channel), (words) => readRequest(readSlash(text, words), words)).then(
        async (read) => await resolveSaved(read, channel, bot),
      ),
      reply.signal,
    );
    switch (request.kind) {
      case 'nothing':
        return await edit();
      case 'snippet': {
        const [person] = await inTime(
          Promise.all([finding, bot.channels.mustBePostable(channel)]),
          reply.signal,
        );
        const { snippet, saved } = request;
        await submitRun(
          { requestKey: key, source: 'slash', channel, thread: '', snippet, saved },
          person,
          bot,
          reply.signal,
        );
        return await reply.send();
      }
      case 'command': {
        const { command } = request;
        if (command.kind === 'scheduleForm') {
          await reply.send();
          return await openScheduleForm({ user, trigger, channel }, bot);
        }
        const person = await inTime(finding, reply.signal);
        // A command that takes longer is answered after the acknowledgement.
        reply.signal.addEventListener('abort', () => void reply.send(), { once: true });
        await runOnce(key, bot, async () => {
          if (isSlow(command)) await reply.send();
          const place = { channel, thread: undefined, requestKey: key, root: '' };
          const answer = await runCommand(command, person, place, bot);
          // Posting to the channel takes time.
          if (answer.told !== undefined) await reply.send();
          await notifyAnswer(answer, { channel }, notify, bot);
        });
        await reply.send();
      }
    }
  });
}
