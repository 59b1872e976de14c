import { UserError } from '../errors.ts';
import type { KernelStatus } from '../runs/control-kernel.ts';
import { listLanguages, resolveLanguage } from '../runs/languages.ts';
import type { Bot } from './bot.ts';
import type { Command } from './doors/read-command.ts';
import { helpText } from './help-text.ts';
import { escapeMrkdwn, mention, shortSpan, slackTime } from './mrkdwn-words.ts';
import { type Action, type Person, refuse } from './policy.ts';

export interface CommandPlace {
  channel: string;
  /** Set where the command was given in a thread. */
  thread: string | undefined;
}

/** What a command answers: words for the person, and words for the channel where its kernel changed. mrkdwn. */
export interface CommandAnswer {
  text: string;
  channelText?: string;
}

/** Does what a command says. Throws `UserError` for what is refused, `GatewayError` for what the gateway could not do. */
export async function runCommand(
  command: Command,
  person: Person,
  place: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  const { workspace, control } = bot;
  const { channel } = place;
  switch (command.kind) {
    case 'malformed':
      throw new UserError('badCommand', command.sentence);
    case 'help':
      must('look', person, channel, bot);
      return { text: helpText(bot.command, bot.userId) };
    case 'languages':
      must('look', person, channel, bot);
      return { text: await languagesText(channel, bot) };
    case 'status':
      must('look', person, channel, bot);
      return { text: statusText(await control.status(workspace, channel)) };
    case 'use':
      must('choose', person, channel, bot);
      return await useLanguage(command.language, channel, bot);
    case 'auto':
      must('choose', person, channel, bot);
      await bot.channelSettings.change(workspace, channel, { auto: command.on });
      return {
        text: command.on
          ? 'From now on a message here that is nothing but a code block runs by itself.'
          : 'Code blocks here run only when the bot is mentioned.',
      };
    case 'stop':
      return await stop(person, place, bot);
    case 'restart':
    case 'shutdown':
      return await changeKernel(command, person, channel, bot);
    case 'history':
    case 'kernels':
      throw new UserError('badCommand', `\`${command.kind}\` is not here yet.`);
  }
}

function must(action: Action, person: Person, channel: string, bot: Bot): void {
  const refused = refuse(action, person, channel, bot.policy);
  if (refused !== undefined) throw new UserError('notAllowed', refused);
}

async function languagesText(channel: string, bot: Bot): Promise<string> {
  const lines = listLanguages(await bot.languages(channel)).map(
    ({ kernelspec, displayName, aliases, isDefault }) => {
      const also =
        aliases.length === 0
          ? ''
          : ` (also ${aliases.map((alias) => `\`${escapeMrkdwn(alias)}\``).join(', ')})`;
      return `• \`${escapeMrkdwn(kernelspec)}\`${also}: ${escapeMrkdwn(displayName)}${isDefault ? ' — *used here without a name*' : ''}`;
    },
  );
  return lines.length === 0
    ? 'The gateway offers no languages.'
    : ['*Languages of this gateway*', ...lines].join('\n');
}

async function useLanguage(language: string, channel: string, bot: Bot): Promise<CommandAnswer> {
  const { kernelspec } = resolveLanguage(language, await bot.languages(channel));
  await bot.channelSettings.change(bot.workspace, channel, { kernelspec });
  return { text: `Snippets without a language run on \`${escapeMrkdwn(kernelspec)}\` here from now on.` };
}

/** The kernels of a channel, as `status` shows them. mrkdwn. */
export function statusText(statuses: readonly KernelStatus[]): string {
  if (statuses.length === 0) return 'This channel has no kernel yet; the first snippet starts one.';
  return statuses.map((status) => kernelLines(status).join('\n')).join('\n\n');
}

function kernelLines({ record, state, unfinished }: KernelStatus): string[] {
  const now = Date.now();
  const [running, ...waiting] = unfinished;
  const runs =
    running === undefined
      ? 'Nothing runs or waits.'
      : `${mention(running.runner)}’s run ${running.state === 'waiting' ? 'is next' : `runs since ${shortSpan(now - (running.data.startedAt ?? running.createdAt))}`}; ${waiting.length} waiting behind it.`;
  return [
    `*${escapeMrkdwn(record.kernelspec)}* is ${stateWords(state)}. Started ${slackTime(record.startedAt)} by ${mention(record.startedBy)}, last used ${slackTime(record.lastUsedAt)} by ${mention(record.lastRunner)}.`,
    runs,
  ];
}

function stateWords(state: string): string {
  switch (state) {
    case 'gone':
      return 'gone (its variables are lost; the next snippet starts a new one)';
    case 'unreachable':
      return 'not known: the gateway cannot be reached';
    default:
      return `\`${escapeMrkdwn(state)}\``;
  }
}

async function stop(person: Person, { channel, thread }: CommandPlace, bot: Bot): Promise<CommandAnswer> {
  const { workspace, control } = bot;
  must('stopOwn', person, channel, bot);
  const mayStopOthers = refuse('stopOthers', person, channel, bot.policy) === undefined;
  if (thread !== undefined) {
    const run = await control.newestUnfinished(workspace, channel, thread);
    if (run.runner !== person.id) must('stopOthers', person, channel, bot);
    await control.stop(run, person.id);
    return { text: 'Stopping it.' };
  }
  const run = mayStopOthers
    ? await control.stopRunning(workspace, channel, person.id)
    : await control.stopOwn(workspace, channel, person.id);
  return { text: run.runner === person.id ? 'Stopping your run.' : `Stopping ${mention(run.runner)}’s run.` };
}

async function changeKernel(
  command: Command & { kind: 'restart' | 'shutdown' },
  person: Person,
  channel: string,
  bot: Bot,
): Promise<CommandAnswer> {
  const { workspace, control, log } = bot;
  if (command.channel !== undefined)
    throw new UserError('badCommand', `Give \`${command.kind}\` in the channel whose kernel is meant.`);
  must(command.kind === 'restart' ? 'restart' : 'shutDown', person, channel, bot);
  const record =
    command.kind === 'restart'
      ? await control.restart(workspace, channel)
      : await control.shutDown(workspace, channel);
  log.info(
    {
      audit: command.kind,
      user: person.id,
      workspace,
      channel,
      kernel: record.kernelId,
      kernelspec: record.kernelspec,
    },
    'a kernel was changed',
  );
  const spec = escapeMrkdwn(record.kernelspec);
  return command.kind === 'restart'
    ? {
        text: `Restarted; the variables are gone.`,
        channelText: `${mention(person.id)} restarted the ${spec} kernel; variables are gone.`,
      }
    : {
        text: `Shut down; the next snippet starts a new kernel.`,
        channelText: `${mention(person.id)} shut the ${spec} kernel down; variables are gone.`,
      };
}
