import type { SlackCommandMiddlewareArgs } from '@slack/bolt';
import { UserError } from '../../errors.ts';
import type { Bot } from '../bot.ts';
import { runCommand } from '../commands.ts';
import { helpText } from '../help-text.ts';
import { refuse } from '../policy.ts';
import { brokenText, refusalText } from '../refusal-text.ts';
import { triggerDelivery } from './deliveries.ts';
import type { Command } from './read-command.ts';
import { type Request, readRequest, readWithLanguages } from './read-request.ts';
import { readSlash } from './read-slash.ts';

/** Commands that wait for the gateway answer by `respond`: the acknowledgement may not wait that long. */
const SLOW_COMMANDS: ReadonlySet<Command['kind']> = new Set([
  'status',
  'restart',
  'shutdown',
  'languages',
  'use',
]);

/** `/spark …`: code, or a command. Acknowledged once the ledger has it, or with the sentence that refuses it. */
export async function onSlash(args: SlackCommandMiddlewareArgs, bot: Bot): Promise<void> {
  const { command, ack } = args;
  const privately = async (text: string): Promise<void> => {
    await ack({ response_type: 'ephemeral', text });
  };
  try {
    const request = await readWithLanguages(bot.languages(command.channel_id), (words) =>
      readRequest(readSlash(command.text, words), words),
    );
    switch (request.kind) {
      case 'nothing':
        return await privately(helpText(bot.command, bot.userId));
      case 'snippet':
        await admitSlash(args, request, bot);
        await ack();
        return;
      case 'command':
        return await obey(args, request.command, privately, bot);
    }
  } catch (error) {
    const text = refusalText(error);
    if (text === undefined) bot.log.error({ err: error }, 'a slash command broke');
    await privately(text ?? brokenText);
  }
}

async function admitSlash(
  { command }: SlackCommandMiddlewareArgs,
  { snippet }: Request & { kind: 'snippet' },
  bot: Bot,
): Promise<void> {
  const { channel_id: channel, user_id: runner, trigger_id: trigger } = command;
  const [person] = await Promise.all([bot.people.find(runner), bot.channels.mustBeMember(channel)]);
  const refused = refuse('run', person, channel, bot.policy);
  if (refused !== undefined) throw new UserError('notAllowed', refused);
  const delivery = triggerDelivery(bot.workspace, trigger);
  await bot.admit({
    delivery,
    door: 'slash',
    workspace: bot.workspace,
    channel,
    thread: '',
    runner,
    snippet,
  });
}

async function obey(
  { command: said, ack, respond }: SlackCommandMiddlewareArgs,
  command: Command,
  privately: (text: string) => Promise<void>,
  bot: Bot,
): Promise<void> {
  const { channel_id: channel, user_id: user, trigger_id: trigger } = said;
  if (!(await bot.claim(triggerDelivery(bot.workspace, trigger)))) {
    await ack();
    return;
  }
  const answer = async () =>
    await runCommand(command, await bot.people.find(user), { channel, thread: undefined }, bot);
  if (!SLOW_COMMANDS.has(command.kind)) {
    await privately((await answer()).text);
    return;
  }
  await ack();
  const { text, channelText } = await answer().catch((error: unknown) => {
    const refusal = refusalText(error);
    if (refusal === undefined) bot.log.error({ err: error }, 'a command broke');
    return { text: refusal ?? brokenText, channelText: undefined };
  });
  await respond({ response_type: 'ephemeral', text });
  if (channelText !== undefined) await bot.tell.channel({ channel }, channelText);
}
