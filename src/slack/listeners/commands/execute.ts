import { UserError } from '../../../errors.ts';
import { listLanguages, resolveLanguage, sqlLanguage } from '../../../runs/languages/languages.ts';
import { auditChannel, auditRun, withAudit } from '../../auth/audit.ts';
import type { Bot } from '../../context.ts';
import type { CommandAnswer, CommandPlace } from './answer.ts';
import type { Command } from '../../parsing/command.ts';
import { helpText } from '../../blocks/help.ts';
import { exportRuns } from './export.ts';
import { slashCommand } from '../../manifest.ts';
import { changeNamedKernel, listKernels } from './kernels.ts';
import { TIMING_FORM } from '../../../saved/schedules/timing.ts';
import { listSchedules, makeSchedule, removeSchedule } from './schedules.ts';
import { forgetSaved, listSaved, saveLastRun, unknownNameText } from './saved.ts';
import { statusText } from '../../blocks/kernel-text.ts';
import { escapeMrkdwn, mention } from '../../blocks/elements.ts';
import { askBack, renderNearCommand } from '../../blocks/asked-back.ts';
import { type Action, must, type Person, refuse } from '../../auth/policy.ts';
import { runLine } from '../../blocks/run-summary.ts';

/** The right that each command needs; `stop`, `restart` and `shutdown` look at whose run or kernel it is, too. */
const RIGHTS: Readonly<Partial<Record<Command['kind'], Action>>> = {
  help: 'look',
  languages: 'look',
  status: 'look',
  history: 'look',
  use: 'choose',
  auto: 'choose',
  saved: 'look',
  schedules: 'look',
  scheduleForm: 'look',
  run: 'look',
  near: 'look',
  kernels: 'listKernels',
  export: 'look',
  stop: 'stopOwn',
  restart: 'restart',
  shutdown: 'shutDown',
};

const USED_WITHOUT_NAME = ' *(default here)*';

/** How many runs `history` shows. */
const HISTORY_RUNS = 10;

/** Does what a command says. Throws `UserError` for what is refused, `GatewayError` for what failed. */
export async function runCommand(
  command: Command,
  person: Person,
  place: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  const right = RIGHTS[command.kind];
  if (right !== undefined) must(right, person, place.channel, bot.policy);
  const { channel, thread } = place;
  const asked = { audit: 'command', act: command.kind, user: person.id, channel, thread };
  return await withAudit(asked, bot, () => doCommand(command, person, place, bot));
}

async function doCommand(
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
    case 'near': {
      const { requestKey, root } = place;
      return renderNearCommand(command.meant, { text: command.typed, requestKey, thread: root });
    }
    case 'run': {
      const { requestKey, root } = place;
      const question = unknownNameText(command.name, channel, bot);
      return askBack(question, { text: command.typed, requestKey, thread: root });
    }
    case 'saved':
      return { text: listSaved(channel, bot) };
    case 'save':
      return await saveLastRun(command.name, person, place, bot);
    case 'forget':
      return await forgetSaved(command.name, person, channel, bot);
    case 'schedule':
      return { text: await makeSchedule(command, person, channel, bot) };
    case 'scheduleForm':
      throw new UserError('badCommand', `${TIMING_FORM} As in: schedule daily-report weekdays 8:00.`);
    case 'schedules':
      return await listSchedules(channel, bot);
    case 'unschedule':
      return await removeSchedule(command.number, person, channel, bot);
    case 'help':
      return { text: helpText(bot.userId, command.topic) };
    case 'export':
      return await exportRuns(command.of, person, place, bot);
    case 'languages':
      return { text: await languagesText(channel, bot) };
    case 'status':
      return { text: statusText(await control.status(workspace, channel), Date.now()) };
    case 'history':
      return { text: await historyText(channel, bot) };
    case 'use':
      return await useLanguage(command.language, person, channel, bot);
    case 'auto':
      return await switchAuto(command.on, person, channel, bot);
    case 'stop':
      return await stop(person, place, bot);
    case 'kernels':
      return await listKernels(person, bot);
    case 'restart':
    case 'shutdown':
      return await changeNamedKernel(command, person, channel, bot);
  }
}

async function languagesText(channel: string, bot: Bot): Promise<string> {
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
  return lines.length === 0
    ? 'The gateway offers no languages.'
    : ['*Available languages*', ...lines].join('\n');
}

async function historyText(channel: string, bot: Bot): Promise<string> {
  const runs = await bot.channelRuns(channel, HISTORY_RUNS);
  if (runs.length === 0) return 'Nothing has run in this channel yet, or its runs are no longer kept.';
  return ['*Last runs of this channel*', ...runs.map((run) => runLine(run, bot.workspaceUrl))].join('\n');
}

/** A choice for everybody's code: the channel hears of it, and who made it. */
async function useLanguage(
  language: string,
  { id: user }: Person,
  channel: string,
  bot: Bot,
): Promise<CommandAnswer> {
  const { kernelspec, dialect } = resolveLanguage(language, await bot.languagesNow(channel));
  // SQL has no kernel of its own: the channel keeps the one it has.
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
  on: boolean,
  { id: user }: Person,
  channel: string,
  bot: Bot,
): Promise<CommandAnswer> {
  await bot.channelSettings.change(bot.workspace, channel, { auto: on });
  auditChannel({ audit: 'auto', on }, channel, user, bot);
  const effect = on
    ? `code blocks here now run without a mention. \`${slashCommand} auto off\` undoes it`
    : 'code blocks here run only when the bot is mentioned';
  const word = on ? 'on' : 'off';
  return {
    text: `Auto-run is ${word}: ${effect}.`,
    told: { channel, text: `${mention(user)} turned auto-run ${word}: ${effect}.` },
  };
}

async function stop(person: Person, { channel, thread }: CommandPlace, bot: Bot): Promise<CommandAnswer> {
  const { workspace, control, policy } = bot;
  must('stopOwn', person, channel, policy);
  const mayStopOthers = refuse('stopOthers', person, channel, policy) === undefined;
  if (thread !== undefined) {
    const run = await control.newestUnfinished(workspace, channel, thread);
    if (run.requester !== person.id) must('stopOthers', person, channel, policy);
    await control.stop(run, person.id);
    if (run.requester !== person.id) auditRun('stop', run, person.id, bot);
    return { text: 'Stopping it.' };
  }
  const run = mayStopOthers
    ? await control.stopRunning(workspace, channel, person.id)
    : await control.stopOwn(workspace, channel, person.id);
  if (run.requester === person.id) return { text: 'Stopping your run.' };
  auditRun('stop', run, person.id, bot);
  return { text: `Stopping ${mention(run.requester)}’s run.` };
}
