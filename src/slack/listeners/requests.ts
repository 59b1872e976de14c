import { UserError } from '../../errors.ts';
import type { Admitted } from '../../runs/admission/admission.ts';
import type { SnippetRequest } from '../../runs/admission/new-run.ts';
import { auditAccepted, describeCode } from '../../runs/audit.ts';
import { languageOf, type Run, type Snippet } from '../../runs/run.ts';
import { auditRefused } from '../auth/audit.ts';
import { must, type Person, refuse } from '../auth/policy.ts';
import type { Click } from '../blocks/elements.ts';
import type { Bot } from '../context.ts';
import type { PostedMessage } from '../parsing/message-event.ts';
import { inTime } from './boundary.ts';

/** Keys of requests: what Slack may bring twice is known by these. */

export function messageRequest(workspace: string, channel: string, ts: string): string {
  return `message/${workspace}/${channel}/${ts}`;
}

/** Where it is known that a message, named by its request, is gone. */
export function deletionRequest(message: string): string {
  return `${message}/deleted`;
}

/** Where it is known that a message, named by its request, answered code that asked for a line. */
export function replyRequest(message: string): string {
  return `${message}/reply`;
}

/** A message, or its edit. */
export function requestOf({ channel, ts, editedTs }: PostedMessage, { workspace }: Bot): string {
  return editedTs === undefined
    ? messageRequest(workspace, channel, ts)
    : `edit/${workspace}/${channel}/${ts}/${editedTs}`;
}

export function triggerRequest(workspace: string, triggerId: string): string {
  return `trigger/${workspace}/${triggerId}`;
}

/** A press counts once for each state of its run or kernel: two presses of the same button are one. */
export function clickRequest({ id, action, state }: Click<string>): string {
  return `press/${id}/${action}/${state}`;
}

export function viewRequest(workspace: string, viewId: string): string {
  return `view/${workspace}/${viewId}`;
}

/**
 * Acts once for a request; a repetition does nothing and gives undefined. A request whose act failed, for whatever
 * reason, may come again.
 */
export async function runOnce<Done>(
  request: string,
  bot: Bot,
  act: () => Promise<Done>,
): Promise<Done | undefined> {
  const { failedRequests } = bot.memory;
  try {
    // One that could not be un-claimed, because the store was away, is claimed already.
    if (!failedRequests.delete(request) && !(await bot.markSeen(request))) return undefined;
  } catch (error) {
    failedRequests.set(request, true);
    throw error;
  }
  try {
    return await act();
  } catch (error) {
    await bot.forgetSeen(request).catch(() => failedRequests.set(request, true));
    throw error;
  }
}

/**
 * The same for what does no harm twice: it counts once it is done, so that a crash in the middle leaves a button that
 * works, and words that are told yet.
 */
export async function untilDone<Done>(
  request: string,
  bot: Bot,
  act: () => Promise<Done>,
): Promise<Done | undefined> {
  // A message's own request is held by who handles it.
  return await bot.memory.mutex.run(`${request}/done`, async () => {
    if (await bot.isKnown(request)) return undefined;
    const done = await act();
    // What is done is not undone because the store does not say so.
    await bot.markSeen(request).catch(() => undefined);
    return done;
  });
}

export type RunRequest = Omit<SnippetRequest, 'workspace' | 'requester' | 'maySwitch'>;

/**
 * The one step by which all listeners have code run: may this person run it here, then into the run store. Throws
 * `UserError`, `GatewayError` and `StoreError`; then nothing was accepted.
 */
export async function submitRun(
  request: RunRequest,
  person: Person,
  bot: Bot,
  signal?: AbortSignal,
): Promise<Admitted> {
  const { workspace } = bot;
  const admit = async (): Promise<Admitted> => {
    await inTime(mustRun(person, request.channel, bot), signal);
    const maySwitch = refuse('switch', person, request.channel, bot.policy) === undefined;
    const requester = { requester: person.id, maySwitch };
    return await bot.admission.submit(
      { attended: !person.isBot, ...request, workspace, ...requester },
      signal,
    );
  };
  const admitted = await admit().catch((error: unknown) => {
    bot.onRefused(error);
    const { channel, thread, source, snippet } = request;
    const asked = { audit: 'refused', user: person.id, channel, thread, source };
    auditRefused({ ...asked, ...describeCode(snippet.blocks) }, error, bot, 'run.refused');
    throw error;
  });
  if (admitted.kind === 'accepted') {
    bot.memory.channelsWithRuns.set(request.channel, true);
    const run = await bot.runs.find(admitted.runId);
    if (run !== undefined) bot.audit.record(auditAccepted(run, request.snippet.blocks));
    await eraseIfDeleted(request, admitted.runId, bot);
  }
  return admitted;
}

/** The same for what its person asked for by hand: of a duplicate it is said that nothing else was started. */
export async function submitNew(
  request: RunRequest,
  person: Person,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  const { kind } = await submitRun(request, person, bot, signal);
  if (kind === 'duplicate') refuseDuplicate();
}

/** Throws `UserError` where this person may run no code in this channel. */
export async function mustRun(person: Person, channel: string, bot: Bot): Promise<void> {
  must('run', person, channel, bot.policy);
  if (!bot.policy.allowExternal) await bot.channels.mustBeInternal(channel);
}

/**
 * Slack's menu offers public channels that the person is not in, and a person may have been removed while the modal was
 * open: who may use a channel's kernel is in the channel.
 */
export async function mustBeIn(channel: string, user: string, bot: Bot): Promise<void> {
  if (!(await bot.channels.isMember(channel, user, { isFresh: true })))
    throw new UserError(
      'unknownChannel',
      'You are not in this channel, as far as Slack says, so nothing ran. Join it first.',
    );
}

/** For a duplicate that its person asked for by hand: silence would look like acceptance, or like a dead button. */
export function refuseDuplicate(): never {
  throw new UserError('notTaken', 'This was accepted already and runs once. Nothing else was started.');
}

/** A message may be deleted while an edit of it is admitted: the deletion did not see this run. */
async function eraseIfDeleted(
  { message, editedTs }: Pick<SnippetRequest, 'message' | 'editedTs'>,
  runId: string,
  bot: Bot,
): Promise<void> {
  if (message === undefined || editedTs === undefined) return;
  if (!(await bot.isKnown(deletionRequest(message)))) return;
  const run = await bot.runs.find(runId);
  if (run !== undefined) await bot.runs.erase(run);
}

/** A run, and who asks something of it. Throws `UserError` where it is no longer kept; `undone`: `nothing was saved`. */
export async function findRunFor(
  runId: string,
  user: string,
  undone: string,
  bot: Bot,
  signal: AbortSignal | undefined,
): Promise<[Run, Person]> {
  const [run, person] = await inTime(Promise.all([bot.runs.find(runId), bot.users.find(user)]), signal);
  if (run === undefined) throw new UserError('badCommand', `That run is no longer kept, so ${undone}.`);
  return [run, person];
}

/** What a run ran, to be run again on its kernelspec; without blocks where its code is no longer kept. */
export async function repeated(run: Run, bot: Bot): Promise<Snippet> {
  const { notebook: posted, requestKey } = run.data;
  const blocks = await bot.runs.code(run);
  const notebook = posted === undefined ? undefined : await bot.notebooks.find(requestKey);
  if (posted === undefined || notebook === undefined) return { ...languageOf(run), blocks };
  return { ...languageOf(run), blocks, notebook: { name: posted.name, notebook } };
}
