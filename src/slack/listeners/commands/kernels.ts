import type { KnownBlock } from '@slack/types';
import { UserError } from '../../../errors.ts';
import { GatewayError } from '../../../gateway/errors.ts';
import type { KernelStatus, OtherKernel } from '../../../runs/control.ts';
import { type LanguageContext, meaningOf } from '../../../runs/languages/meaning.ts';
import type { KernelRecord } from '../../../runs/session/kernel/kernel-record.ts';
import { joinWords } from '../../../text.ts';
import { auditKernel } from '../../auth/audit.ts';
import { must, type Person } from '../../auth/policy.ts';
import { channelName, escapeMrkdwn, mention, section } from '../../blocks/elements.ts';
import {
  hiddenKernelLines,
  kernelLines,
  renderKernelButtons,
  shortKernelId,
  stateWords,
} from '../../blocks/kernel-blocks.ts';
import { jsonSize, MESSAGE_ROOM } from '../../blocks/rich-text.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../../context.ts';
import type { KernelCommand } from '../../parsing/command.ts';

/** Each takes about a tenth of a message. */
const SHOWN_KERNELS = 10;
const SHOWN_OTHERS = 20;
/** The room for the line above them, in characters of JSON. */
const HEAD_ROOM = 500;

/**
 * The answer to `kernels`: the workspace's kernels with their buttons, then kernels of others, which cannot be changed
 * here.
 */
export async function listKernels(person: Person, bot: Bot): Promise<{ text: string; blocks: KnownBlock[] }> {
  const { workspace, control } = bot;
  const records = control.kernels(workspace);
  const [statuses, others] = await Promise.all([
    control.statusOf(records.slice(0, SHOWN_KERNELS)),
    control.otherKernels(workspace).catch(whyUnknown),
  ]);
  const lines = await Promise.all(statuses.map((status) => namedLine(status, person, bot)));
  const tail = othersText(others);
  const rows = withButtons(statuses, lines, jsonSize(section(tail)));
  const head =
    records.length === 0
      ? 'No channel has a kernel now.'
      : `*Kernels of this workspace:* ${records.length}${records.length > rows.length ? `, the ${rows.length} used last are shown` : ''}`;
  return {
    text: [head, ...lines.slice(0, rows.length), tail].join('\n'),
    blocks: [section(head), ...rows.flat(), section(tail)],
  };
}

/** As many kernels with their buttons as fit into a message, of which `taken` is used otherwise. */
function withButtons(
  statuses: readonly KernelStatus[],
  lines: readonly string[],
  taken: number,
): KnownBlock[][] {
  const now = Date.now();
  const rows = statuses.map(({ record }, index) => [
    section(lines[index] ?? ''),
    renderKernelButtons(record.kernelId, now),
  ]);
  let room = MESSAGE_ROOM - taken - HEAD_ROOM;
  const over = rows.findIndex((row) => (room -= jsonSize(row)) < 0);
  return over === -1 ? rows : rows.slice(0, over);
}

/** A kernel's line. A private channel or direct message that the asker is not in is not named, nor is anybody in it. */
async function namedLine(status: KernelStatus, { id }: Person, { channels }: Bot): Promise<string> {
  const { channel, kernelId, startedBy } = status.record;
  // The kernel of a direct message was started by its one person, so Slack is not asked.
  const isOpen = channel.startsWith('D') ? startedBy === id : await channels.isOpenTo(channel, id);
  return isOpen
    ? `${channelName(channel)} · ${kernelLines(status)}`
    : `private channel (kernel ${shortKernelId(kernelId)}) · ${hiddenKernelLines(status)}`;
}

function whyUnknown(error: unknown): string {
  const isRefused = error instanceof GatewayError && error.code === 'unauthorized';
  const why = isRefused ? 'refused the bot’s credentials' : 'cannot be reached';
  return `The gateway ${why}, so it is not known what else runs there.`;
}

/** `others`: a string says why they are not known. */
function othersText(others: readonly OtherKernel[] | string | undefined): string {
  if (typeof others === 'string') return others;
  if (others === undefined)
    return 'This gateway does not list kernels, so kernels that are not Sparkthread’s cannot be shown.';
  if (others.length === 0) return 'No other kernels run on the gateway.';
  const lines = others
    .slice(0, SHOWN_OTHERS)
    .map(
      ({ kernelId, kernelspec, state }) =>
        `• ${shortKernelId(kernelId)} ${escapeMrkdwn(kernelspec)}, ${stateWords(state)}`,
    );
  const cut = others.length > lines.length ? `, ${lines.length} of them are shown` : '';
  return [`*Not Sparkthread’s, and left alone:* ${others.length}${cut}`, ...lines].join('\n');
}

/** Restarts a kernel or shuts it down, with an audit line. */
export async function changeKernel(
  act: KernelCommand['kind'],
  record: KernelRecord,
  user: string,
  bot: Bot,
): Promise<Required<Pick<CommandAnswer, 'text' | 'told'>>> {
  if (act === 'restart') await bot.control.restart(record);
  else await bot.control.shutDown(record);
  auditKernel(act, record, user, bot);
  const { channel } = record;
  const spec = escapeMrkdwn(record.kernelspec);
  return act === 'restart'
    ? {
        text: `Restarted the ${spec} kernel; its variables are gone.`,
        told: { channel, text: `${mention(user)} restarted the ${spec} kernel; variables are gone.` },
      }
    : {
        text: `Shut down the ${spec} kernel; the next snippet starts a new one.`,
        told: { channel, text: `${mention(user)} shut the ${spec} kernel down; variables are gone.` },
      };
}

/**
 * `restart`, `restart #data`, and `restart scala` or `restart #data scala` for one of several kernels. Asks which one
 * if several match.
 */
export async function changeNamedKernel(
  { kind, channel: named, language }: KernelCommand,
  person: Person,
  { channel }: Pick<CommandPlace, 'channel'>,
  bot: Bot,
): Promise<CommandAnswer> {
  const { workspace, control, policy } = bot;
  const target = named === undefined ? channel : await resolveChannel(named, person.id, bot);
  if (target !== channel) must('otherChannels', person, channel, policy);
  const records = control.kernelsOf(workspace, target);
  const isHere = target === channel;
  const meant =
    language === undefined
      ? records
      : kernelsThatSpeak(language, records, named !== undefined, await bot.languages(target));
  const [record, ...others] = meant;
  if (record !== undefined && others.length === 0) return await changeKernel(kind, record, person.id, bot);
  return await askWhichKernel(kind, meant, isHere, control);
}

/** The kernels of a channel that a word means. Throws `UserError` if there is none. */
function kernelsThatSpeak(
  word: string,
  records: readonly KernelRecord[],
  isChannelNamed: boolean,
  context: LanguageContext,
): readonly KernelRecord[] {
  const meant = (meaningOf(word, context) ?? []).map(({ name }) => name);
  const fitting = records.filter(({ kernelspec }) => kernelspec === word || meant.includes(kernelspec));
  if (fitting.length > 0) return fitting;
  const specs = records.map(({ kernelspec }) => kernelspec).join(', ');
  throw new UserError(
    'noKernel',
    isChannelNamed
      ? `No kernel of that channel is called “${word}”; it has ${specs}. Nothing was changed.`
      : `No kernel of this channel is called “${word}”; it has ${specs}. A channel is written with its #, as in #${word}. Nothing was changed.`,
  );
}

/**
 * Asks which kernel is meant, with their buttons. The words for them are told only in their own channel, where they
 * work.
 */
async function askWhichKernel(
  act: KernelCommand['kind'],
  records: readonly KernelRecord[],
  isHere: boolean,
  control: Bot['control'],
): Promise<CommandAnswer> {
  const statuses = await control.statusOf(records);
  const lines = statuses.map(kernelLines);
  const words = records.map(({ kernelspec }) => `\`${act} ${escapeMrkdwn(kernelspec)}\``).join(' or ');
  const rows = withButtons(statuses, lines, jsonSize(words));
  const isCut = rows.length < records.length;
  const head = joinWords(' ', [
    `${isHere ? 'This' : 'That'} channel has several kernels. Which one${isHere && !isCut ? `: ${words}` : ''}?`,
    isCut
      ? `${rows.length} of ${records.length} are shown; the language’s word behind \`${act}\` names any.`
      : '',
    'Nothing was changed yet.',
  ]);
  return {
    text: [head, ...lines.slice(0, rows.length)].join('\n'),
    blocks: [section(head), ...rows.flat()],
  };
}

/**
 * The channel with a kernel that `#data` or an id means, for a command in another channel. Throws
 * `UserError('unknownChannel')` if none or several match, or the asker may not see it: not even the existence of a
 * private channel is revealed.
 */
export async function resolveChannel(reference: string, user: string, bot: Bot): Promise<string> {
  const records = bot.control.kernels(bot.workspace);
  const name = reference.startsWith('#') ? reference.slice(1) : undefined;
  // Later ids of a channel are replaced in Slack's payloads, but not in what people type.
  const typed = bot.channelIds.first(reference);
  const ids = new Set(
    records.map(({ channel }) => channel).filter((channel) => name !== undefined || channel === typed),
  );
  const fitting = await Promise.all([...ids].map(async (id) => await fits(id, name, user, bot.channels)));
  const [id, ...others] = [...ids].filter((_, index) => fitting[index]);
  if (id === undefined)
    throw new UserError(
      'unknownChannel',
      `No channel ${reference} with a kernel is known here: it has none, or you are not in it. Nothing was changed.`,
    );
  if (others.length > 0)
    throw new UserError(
      'unknownChannel',
      `Several channels are called ${reference} here. Give the id of the one you mean: ${[id, ...others].join(', ')}.`,
    );
  return id;
}

/** Whether a channel matches. A cached name is checked again, because the channel may have been renamed. */
async function fits(
  id: string,
  name: string | undefined,
  user: string,
  channels: Bot['channels'],
): Promise<boolean> {
  try {
    if (name !== undefined) {
      if ((await channels.find(id))?.name !== name) return false;
      if ((await channels.find(id, { isFresh: true }))?.name !== name) return false;
    }
    return await channels.isOpenTo(id, user);
  } catch {
    return false;
  }
}
