import { UserError } from '../../../errors.ts';
import type { Snippet, Run } from '../../../runs/run.ts';
import type { Parameter } from '../../../saved/parameters/values.ts';
import { nameKey, type SavedSnippet, type SaveResult } from '../../../saved/saved-snippets.ts';
import type { Schedule } from '../../../saved/schedules/schedules.ts';
import { auditSaved } from '../../auth/audit.ts';
import { must, type Person, refuse } from '../../auth/policy.ts';
import { renderReplaceQuestion, savedAnswer } from '../../blocks/saved/saved-blocks.ts';
import type { Bot, CommandAnswer, CommandPlace } from '../../context.ts';
import type { Request } from '../../parsing/request.ts';

/** How many runs are searched for the last one: of the thread, or of the caller and then of the channel. */
const LOOKED_AT = 100;

/** `save NAME`: the code of the caller's last run here; in a thread, of the thread's last run. */
export async function saveLastRun(
  { name }: { name: string },
  person: Person,
  { channel, thread }: CommandPlace,
  bot: Bot,
): Promise<CommandAnswer> {
  must('choose', person, channel, bot.policy);
  const run =
    thread === undefined
      ? await lastRunOf(person.id, channel, bot)
      : (await bot.runs.newest('thread', [channel, thread], LOOKED_AT)).find(isSavable);
  if (run === undefined)
    throw new UserError(
      'badCommand',
      thread === undefined
        ? 'You have run nothing in this channel, or your runs are no longer kept. Nothing was saved.'
        : 'No run of this thread is still kept. Nothing was saved.',
    );
  return saveAnswer(run, await saveRun(run, { name }, person, bot), bot);
}

/** The answer to `save`: that it is saved, or the question whether to replace the snippet of that name. */
export function saveAnswer({ id }: Run, { kind, saved }: SaveResult, bot: Bot) {
  if (kind === 'taken') return renderReplaceQuestion(id, saved, scheduledWords(saved, bot));
  return { text: savedAnswer(saved, kind === 'saved') };
}

async function lastRunOf(user: string, channel: string, bot: Bot): Promise<Run | undefined> {
  const own = await bot.runs.newest('requester', [user], LOOKED_AT);
  const isTheirs = (run: Run): boolean =>
    run.channel === channel &&
    run.requester === user &&
    run.data.saved?.schedule === undefined &&
    isSavable(run);
  const last = own.find(isTheirs);
  if (last !== undefined || own.length < LOOKED_AT) return last;
  return (await bot.runs.newest('channel', [channel], LOOKED_AT)).find(isTheirs);
}

/** Not a deleted run, and not the bot's own code behind the button All rows as CSV. */
function isSavable({ data }: Run): boolean {
  return data.erased !== true && data.origin !== 'allRows';
}

/** Throws `UserError` if the person may not save, or the run's code is no longer stored. */
export async function saveRun(
  run: Run,
  { name, replaces }: { name: string; replaces?: string | undefined },
  person: Person,
  bot: Bot,
): Promise<SaveResult> {
  const { channel } = run;
  must('choose', person, channel, bot.policy);
  mustTake({ channel, name }, person, bot);
  const blocks = await bot.runs.code(run);
  if (blocks.length === 0)
    throw new UserError('badCommand', 'The code of that run is no longer kept. Nothing was saved.');
  const { kernelspec, language, dialect } = run.data;
  const snippet = { channel, name, kernelspec, language, dialect, savedBy: person.id, blocks };
  const result = await bot.saved.save(snippet, replaces, Date.now());
  if (result.kind === 'saved') auditSaved('save', result.saved, person.id, bot);
  return result;
}

/** Throws `UserError` if a person who saves under this name would replace code, or change a schedule, of somebody else. */
function mustTake(place: Pick<SavedSnippet, 'channel' | 'name'>, person: Person, bot: Bot): void {
  const { channel, name } = place;
  const saved = bot.saved.find(channel, name);
  if (saved !== undefined) return mustForget(saved, person, bot);
  // What it ran was forgotten.
  const isTheirs = schedulesOf(place, bot).some(({ maker }) => maker !== person.id);
  if (isTheirs && refuse('changeOthersSchedule', person, channel, bot.policy) !== undefined)
    throw new UserError(
      'notAllowed',
      `“${name}” is what somebody else’s schedule runs. Save it under another name.`,
    );
}

function mustForget({ channel, savedBy }: SavedSnippet, person: Person, { policy }: Bot): void {
  must(savedBy === person.id ? 'forgetOwn' : 'forgetOthers', person, channel, policy);
}

/** `forget NAME`, for who saved it or an admin. */
export async function forgetSaved(
  { name }: { name: string },
  person: Person,
  { channel }: Pick<CommandPlace, 'channel'>,
  bot: Bot,
): Promise<CommandAnswer> {
  const saved = findSaved(name, channel, bot);
  mustForget(saved, person, bot);
  if (!(await bot.saved.forget(saved))) throw unknownName(name, channel, bot);
  auditSaved('forget', saved, person.id, bot);
  return { text: `\`${saved.name}\` is forgotten; its code is erased.${scheduledWords(saved, bot)}` };
}

function schedulesOf(
  { channel, name }: Pick<SavedSnippet, 'channel' | 'name'>,
  { schedules }: Bot,
): Schedule[] {
  return schedules.list(channel).filter((schedule) => nameKey(schedule.name) === nameKey(name));
}

/** A sentence with the schedules that run it; '' if none does. */
export function scheduledWords(saved: SavedSnippet, bot: Bot): string {
  const numbers = schedulesOf(saved, bot).map(({ number }) => number);
  return numbers.length === 0 ? '' : ` It is what these schedules run: ${numbers.join(', ')}.`;
}

/** Throws `UserError` with the saved names if there is no such snippet. */
export function findSaved(name: string, channel: string, bot: Bot): SavedSnippet {
  const saved = bot.saved.find(channel, name);
  if (saved === undefined) throw unknownName(name, channel, bot);
  return saved;
}

/** How many names are listed for somebody who typed an unknown one. */
const TOLD_NAMES = 20;

function unknownName(name: string, channel: string, bot: Bot): UserError {
  return new UserError('badCommand', unknownNameText(name, channel, bot));
}

export function unknownNameText(name: string, channel: string, { saved }: Bot): string {
  const names = saved.list(channel).map((each) => each.name);
  const there =
    names.length === 0
      ? 'Nothing is saved here yet.'
      : `Saved here: ${names.slice(0, TOLD_NAMES).join(', ')}${names.length > TOLD_NAMES ? ', …' : ''}.`;
  return `No snippet is saved here as “${name}”. ${there} Nothing ran.`;
}

/**
 * Turns `run NAME` into the snippet of that name; returns every other request, and an unknown name, as it is. Throws
 * `UserError` for values that do not fit, and `StoreError`.
 */
export async function resolveSaved(request: Request, channel: string, bot: Bot): Promise<Request> {
  if (request.kind !== 'command' || request.command.kind !== 'run') return request;
  const found = bot.saved.find(channel, request.command.name);
  if (found === undefined) return request;
  const snippet = await snippetOf(found, request.command.parameters, bot);
  return { kind: 'snippet', snippet, saved: { name: found.name } };
}

/** The code of a saved snippet with these values. Throws `UserError` if it is gone, or the values do not fit. */
export async function snippetOf(
  saved: SavedSnippet,
  given: readonly Parameter[],
  bot: Bot,
): Promise<Snippet> {
  const snippet = await bot.saved.snippet(saved, given);
  if (snippet !== undefined) return snippet;
  const words = `The code of “${saved.name}” is no longer kept. Nothing ran; forget it.`;
  throw new UserError('badCommand', words);
}
