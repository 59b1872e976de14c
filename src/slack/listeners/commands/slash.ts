import type { SlackCommandMiddlewareArgs } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type { Snippet } from '../../../runs/admission/snippet.ts';
import type { Bot } from '../../context.ts';
import { type CommandAnswer, runCommand } from './execute.ts';
import { brokenText, refusalMrkdwn } from '../../blocks/error-text.ts';
import { admit } from '../submit-run.ts';
import { triggerDelivery } from '../request-keys.ts';
import { openEditor } from '../views/editor.ts';
import type { Command } from '../../parsing/command.ts';
import { readRequest, readWithLanguages } from '../../parsing/request.ts';
import { readSlash } from '../../parsing/slash-text.ts';

/** Commands that wait for nobody but the store are answered by the acknowledgement itself. */
const QUICK_COMMANDS: ReadonlySet<Command['kind']> = new Set([
  'help',
  'auto',
  'stop',
  'history',
  'malformed',
]);

type Privately = (text: string, blocks?: KnownBlock[]) => Promise<void>;

/** `/spark …`: code, a command, or nothing, which opens the editor. Acknowledged once the ledger has it, or refused. */
export async function onSlash(args: SlackCommandMiddlewareArgs, bot: Bot): Promise<void> {
  const { command, ack } = args;
  const privately: Privately = async (text, blocks) => {
    await ack({ response_type: 'ephemeral', text, ...(blocks === undefined ? {} : { blocks }) });
  };
  await refusing(bot, privately, async () => {
    const request = await readWithLanguages(bot.languages(command.channel_id), (words) =>
      readRequest(readSlash(command.text, words), words),
    );
    switch (request.kind) {
      case 'nothing':
        return await edit(args, bot);
      case 'snippet':
        await admitSlash(args, request.snippet, bot);
        return await ack();
      case 'command':
        return await obey(args, request.command, privately, bot);
    }
  });
}

async function refusing(bot: Bot, privately: Privately, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const text = refusalMrkdwn(error);
    if (text === undefined) bot.log.error({ err: error }, 'a slash command broke');
    await privately(text ?? brokenText);
  }
}

async function admitSlash(
  { command }: SlackCommandMiddlewareArgs,
  snippet: Snippet,
  bot: Bot,
): Promise<void> {
  const { channel_id: channel, user_id: user, trigger_id: trigger } = command;
  const [person] = await Promise.all([bot.people.find(user), bot.channels.mustBeMember(channel)]);
  const delivery = triggerDelivery(bot.workspace, trigger);
  await admit({ requestKey: delivery, source: 'slash', channel, thread: '', snippet }, person, bot);
}

/** The trigger is short-lived, so the command is acknowledged at once; what is refused then is said afterwards. */
async function edit({ command, ack, respond }: SlackCommandMiddlewareArgs, bot: Bot): Promise<void> {
  await ack();
  const { channel_id: channel, user_id: user, trigger_id: trigger } = command;
  const afterwards: Privately = async (text) => void (await respond({ response_type: 'ephemeral', text }));
  await refusing(bot, afterwards, () => openEditor({ user, trigger, channel }, bot));
}

async function obey(
  { command: said, ack, respond }: SlackCommandMiddlewareArgs,
  command: Command,
  privately: Privately,
  bot: Bot,
): Promise<void> {
  const { channel_id: channel, user_id: user, trigger_id: trigger } = said;
  if (!(await bot.claim(triggerDelivery(bot.workspace, trigger)))) return await ack();
  const answer = async (): Promise<CommandAnswer> =>
    await runCommand(command, await bot.people.find(user), { channel, thread: undefined }, bot);
  if (QUICK_COMMANDS.has(command.kind)) {
    const { text, blocks } = await answer();
    return await privately(text, blocks);
  }
  await ack();
  const afterwards: Privately = async (text, blocks) =>
    void (await respond({ response_type: 'ephemeral', text, ...(blocks === undefined ? {} : { blocks }) }));
  await refusing(bot, afterwards, async () => {
    const { text, blocks, told } = await answer();
    // Who changes the channel's kernel is told with everybody else.
    if (told?.channel !== channel) await afterwards(text, blocks);
    if (told !== undefined) await bot.tell.channel({ channel: told.channel }, told.text);
  });
}
