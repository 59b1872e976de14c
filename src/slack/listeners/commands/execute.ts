import type { KnownBlock } from '@slack/types';
import { UserError } from '../../../errors.ts';
import { listLanguages, resolveLanguage, sqlLanguage } from '../../../runs/languages/languages.ts';
import { withoutDeleted } from '../../../runs/run.ts';
import { TIMING_FORM } from '../../../saved/schedules/timing.ts';
import { auditChannel, auditRefused, auditRun, withAudit } from '../../auth/audit.ts';
import { type Action, must, type Person, refuse } from '../../auth/policy.ts';
import { escapeMrkdwn, mention } from '../../blocks/elements.ts';
import { askBack, helpText, renderNearCommand } from '../../blocks/help.ts';
import { statusText } from '../../blocks/kernel-blocks.ts';
import { runLine } from '../../blocks/run-summary.ts';
import { savedList } from '../../blocks/saved/saved-blocks.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../../context.ts';
import { SLASH_COMMAND } from '../../manifest.ts';
import type { Command } from '../../parsing/command.ts';
import { listSchedules, makeSchedule, removeSchedule } from '../schedules.ts';
import { exportRuns } from './export.ts';
import { changeNamedKernel, listKernels } from './kernels.ts';
import { forgetSaved, saveLastRun, unknownNameText } from './saved.ts';

const USED_WITHOUT_NAME = ' *(default here)*';

/** How many runs `history` shows. */
const HISTORY_RUNS = 10;

type Answer = CommandAnswer | Promise<CommandAnswer>;

interface CommandWork<Kind extends Command['kind']> {
  /**
   * The right that is checked first. Absent: `act` checks rights itself, as `stop`, `restart` and `shutdown` do in
   * addition.
   */
  right?: Action;
  /**
   * It asks Slack or the gateway, so a slash command is acknowledged first; others are answered by the acknowledgement.
   */
  isSlow?: true;
  act: (command: Command & { kind: Kind }, person: Person, place: CommandPlace, bot: Bot) => Answer;
}

/** What each command requires and does. */
const COMMANDS: { readonly [Kind in Command['kind']]: CommandWork<Kind> } = {
  help: { right: 'look', act: ({ topic }, _, __, { userId }) => ({ text: helpText(userId, topic) }) },
  languages: { right: 'look', isSlow: true, act: (_, __, { channel }, bot) => languagesText(channel, bot) },
  status: {
    right: 'look',
    isSlow: true,
    act: async (_, __, { channel }, { control, workspace }) => ({
      text: statusText(await control.status(workspace, channel), Date.now()),
    }),
  },
  history: { right: 'look', act: (_, __, { channel }, bot) => historyText(channel, bot) },
  use: { right: 'choose', isSlow: true, act: useLanguage },
  auto: { right: 'choose', act: switchAuto },
  stop: { right: 'stopOwn', act: stop },
  kernels: { right: 'listKernels', isSlow: true, act: (_, person, __, bot) => listKernels(person, bot) },
  restart: { right: 'restart', isSlow: true, act: changeNamedKernel },
  shutdown: { right: 'shutDown', isSlow: true, act: changeNamedKernel },
  export: { right: 'look', isSlow: true, act: ({ of }, ...asked) => exportRuns(of, ...asked) },
  saved: {
    right: 'look',
    act: (_, __, { channel }, { saved }) => ({ text: savedList(saved.list(channel)) }),
  },
  save: { act: saveLastRun },
  forget: { act: forgetSaved },
  run: {
    right: 'look',
    act({ name, typed }, _, { channel, requestKey, root }, bot) {
      return askBack(unknownNameText(name, channel, bot), { text: typed, requestKey, channel, thread: root });
    },
  },
  schedule: {
    isSlow: true,
    act: async (asked, person, { channel }, bot) => ({
      text: await makeSchedule(asked, person, channel, bot),
    }),
  },
  scheduleForm: {
    right: 'look',
    act() {
      throw new UserError('badCommand', `${TIMING_FORM} As in: schedule daily-report weekdays 8:00.`);
    },
  },
  schedules: { right: 'look', act: (_, __, { channel }, bot) => listSchedules(channel, bot) },
  unschedule: { act: removeSchedule },
  near: {
    right: 'look',
    act: ({ meant, typed }, _, { channel, requestKey, root }) =>
      renderNearCommand(meant, { text: typed, requestKey, channel, thread: root }),
  },
  malformed: {
    act({ sentence }) {
      throw new UserError('badCommand', sentence);
    },
  },
};

/**
 * Posts what was changed for the channel, and the answer to the requester alone. The latter is left out if they read
 * the post, unless that fails.
 */
export async function notifyAnswer(
  { text, blocks, told }: CommandAnswer,
  here: { channel: string; thread?: string | undefined } | undefined,
  notifyAlone: (text: string, blocks?: KnownBlock[]) => Promise<void>,
  bot: Bot,
): Promise<void> {
  const isHere = told !== undefined && told.channel === here?.channel;
  if (!isHere) await notifyAlone(text, blocks);
  if (told === undefined) return;
  const isTold = await bot.notify.channel(isHere ? here : { channel: told.channel }, told.text);
  if (isHere && !isTold) await notifyAlone(text, blocks);
}

export function isSlow({ kind }: Command): boolean {
  return COMMANDS[kind].isSlow === true;
}

/** Whether the command changes nothing, so that it does no harm twice. */
export function onlyLooks({ kind }: Command): boolean {
  const { right } = COMMANDS[kind];
  return right === 'look' || right === 'listKernels';
}

/** Runs a command. Throws `UserError` if it is refused, `GatewayError` if the gateway failed. */
export async function runCommand<Kind extends Command['kind']>(
  command: Command & { kind: Kind },
  person: Person,
  place: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  const { right, act }: CommandWork<Kind> = COMMANDS[command.kind];
  const { channel, thread } = place;
  const asked = { audit: 'command', act: command.kind, user: person.id, channel, thread };
  try {
    if (right !== undefined) must(right, person, channel, bot.policy);
  } catch (error) {
    auditRefused(asked, error, bot);
    throw error;
  }
  return await withAudit(asked, bot, async () => await act(command, person, place, bot));
}

async function languagesText(channel: string, bot: Bot): Promise<CommandAnswer> {
  const context = await bot.languagesNow(channel);
  const sql = sqlLanguage(context);
  const lines = listLanguages(context).map(({ kernelspec, displayName, aliases, isDefault }) => {
    const words = aliases.map((alias) => `\`${escapeMrkdwn(alias)}\``).join(', ');
    const also = words === '' ? '' : ` (also ${words})`;
    const usual = isDefault ? USED_WITHOUT_NAME : '';
    return `• \`${escapeMrkdwn(kernelspec)}\`${also}: ${escapeMrkdwn(displayName)}${usual}`;
  });
  if (sql !== undefined)
    lines.push(
      `• \`sql\`: Spark SQL, in \`${escapeMrkdwn(sql.kernelspec)}\` here${sql.isDefault ? USED_WITHOUT_NAME : ''}`,
    );
  const text = ['*Available languages*', ...lines].join('\n');
  return { text: lines.length === 0 ? 'The gateway offers no languages.' : text };
}

async function historyText(channel: string, bot: Bot): Promise<CommandAnswer> {
  const runs = withoutDeleted(await bot.runs.newest('channel', [channel], HISTORY_RUNS));
  if (runs.length === 0)
    return { text: 'Nothing has run in this channel yet, or its runs are no longer kept.' };
  const lines = runs.map((run) => runLine(run, bot.workspaceUrl));
  return { text: ['*Last runs of this channel*', ...lines].join('\n') };
}

/** Sets the channel's default language; the channel is told who set it. */
async function useLanguage(
  { language }: Command & { kind: 'use' },
  { id: user }: Person,
  { channel }: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  await bot.channels.mustBePostable(channel);
  const { kernelspec, dialect } = resolveLanguage(language, await bot.languagesNow(channel));
  // SQL has no kernelspec of its own, so the channel keeps the one that it has chosen.
  const change = dialect === undefined ? { kernelspec, dialect } : { dialect };
  await bot.channelSettings.change(bot.workspace, channel, change);
  auditChannel({ audit: 'use', kernelspec }, channel, user, bot);
  const choice =
    dialect === undefined
      ? `the default language of this channel to \`${escapeMrkdwn(kernelspec)}\``
      : `the default language of this channel to Spark SQL, on \`${escapeMrkdwn(kernelspec)}\``;
  return { text: `Set ${choice}.`, told: { channel, text: `${mention(user)} set ${choice}.` } };
}

async function switchAuto(
  { on }: Command & { kind: 'auto' },
  { id: user }: Person,
  { channel }: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  await bot.channels.mustBePostable(channel);
  await bot.channelSettings.change(bot.workspace, channel, { auto: on });
  auditChannel({ audit: 'auto', on }, channel, user, bot);
  const effect = on
    ? `code blocks here now run without a mention. \`${SLASH_COMMAND} auto off\` undoes it`
    : 'code blocks here run only when the bot is mentioned';
  const word = on ? 'on' : 'off';
  return {
    text: `Auto-run is ${word}: ${effect}.`,
    told: { channel, text: `${mention(user)} turned auto-run ${word}: ${effect}.` },
  };
}

function stop(_: Command, person: Person, { channel, thread }: CommandPlace, bot: Bot): CommandAnswer {
  const { workspace, control, policy } = bot;
  const mayStopOthers = refuse('stopOthers', person, channel, policy) === undefined;
  if (thread !== undefined) {
    const run = control.newestUnfinished(workspace, channel, thread);
    if (run.requester !== person.id) must('stopOthers', person, channel, policy);
    control.stop(run, person.id);
    if (run.requester !== person.id) auditRun('stop', run, person.id, bot);
    return { text: 'Stopping it.' };
  }
  const run = mayStopOthers
    ? control.stopRunning(workspace, channel, person.id)
    : control.stopOwn(workspace, channel, person.id);
  if (run.requester === person.id) return { text: 'Stopping your run.' };
  auditRun('stop', run, person.id, bot);
  return { text: `Stopping ${mention(run.requester)}’s run.` };
}
