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

/** Keys of requests, by which what Slack brings twice is recognised. */

export function messageRequest(
  { channel, ts }: Pick<PostedMessage, 'channel' | 'ts'>,
  { workspace }: Pick<Bot, 'workspace'>,
): string {
  return `message/${workspace}/${channel}/${ts}`;
}

/** The key that is seen once the message of this request was deleted. */
export function deletionRequest(message: string): string {
  return `${message}/deleted`;
}

/** The key that is seen once the message of this request was given to code that asked for a line. */
export function replyRequest(message: string): string {
  return `${message}/reply`;
}

/** The request of a message, or of its edit. */
export function requestOf(posted: PostedMessage, bot: Bot): string {
  const { channel, ts, editedTs } = posted;
  return editedTs === undefined
    ? messageRequest(posted, bot)
    : `edit/${bot.workspace}/${channel}/${ts}/${editedTs}`;
}

export function triggerRequest(workspace: string, triggerId: string): string {
  return `trigger/${workspace}/${triggerId}`;
}

/** A press counts once for each state of its run or kernel, so two presses of the same button are one. */
export function clickRequest({ id, action, state }: Click<string>): string {
  return `press/${id}/${action}/${state}`;
}

export function viewRequest(workspace: string, viewId: string): string {
  return `view/${workspace}/${viewId}`;
}

/**
 * Acts once for a request; a repetition does nothing and returns undefined. If `act` fails, the request may come again.
 */
export async function runOnce<Done>(
  request: string,
  bot: Bot,
  act: () => Promise<Done>,
): Promise<Done | undefined> {
  const { failedRequests } = bot.memory;
  try {
    // A failed request that the store could not forget is still recorded there as seen.
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
 * The same for an act that does no harm twice: the request is recorded after it, so that after a crash in between a
 * button still works, and a notice is still sent.
 */
export async function untilDone<Done>(
  request: string,
  bot: Bot,
  act: () => Promise<Done>,
): Promise<Done | undefined> {
  // Not the request itself, whose mutex the caller may hold.
  return await bot.memory.mutex.run(`${request}/done`, async () => {
    if (await bot.isKnown(request)) return undefined;
    const done = await act();
    // The act is done, whether the store records it or not.
    await bot.markSeen(request).catch(() => undefined);
    return done;
  });
}

export type RunRequest = Omit<SnippetRequest, 'workspace' | 'requester' | 'maySwitch'>;

/**
 * The one way by which listeners run code: checks whether this person may run it here, and puts the run into the store.
 * Throws `UserError`, `GatewayError` and `StoreError` if nothing was accepted.
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

/** The same for a press or a submission: for a duplicate the person is told that nothing else was started. */
export async function submitNew(
  request: RunRequest,
  person: Person,
  bot: Bot,
  signal: AbortSignal,
): Promise<void> {
  const { kind } = await submitRun(request, person, bot, signal);
  if (kind === 'duplicate') refuseDuplicate();
}

/** Throws `UserError` if this person may not run code in this channel. */
export async function mustRun(person: Person, channel: string, bot: Bot): Promise<void> {
  must('run', person, channel, bot.policy);
  if (!bot.policy.allowExternal) await bot.channels.mustBeInternal(channel);
}

/** For a duplicate of a press or a submission: silence would look like acceptance, or like a dead button. */
export function refuseDuplicate(): never {
  throw new UserError('notTaken', 'This was accepted already and runs once. Nothing else was started.');
}

/** The message may be deleted while an edit of it is admitted; then the deletion did not find this run. */
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

/**
 * A run, and the person who asks something of it. Throws `UserError` if it is no longer stored; `undone`: `nothing was
 * saved`.
 */
export async function findRunFor(
  runId: string,
  user: string,
  undone: string,
  bot: Bot,
  signal: AbortSignal,
): Promise<[Run, Person]> {
  const [run, person] = await inTime(Promise.all([bot.runs.find(runId), bot.users.find(user)]), signal);
  if (run === undefined) throw new UserError('badCommand', `That run is no longer kept, so ${undone}.`);
  return [run, person];
}

/** The snippet of a run, for its kernelspec; without blocks if its code is no longer stored. */
export async function repeated(run: Run, bot: Bot): Promise<Snippet> {
  const { notebook: posted, requestKey } = run.data;
  const blocks = await bot.runs.code(run);
  const notebook = posted === undefined ? undefined : await bot.notebooks.find(requestKey);
  if (posted === undefined || notebook === undefined) return { ...languageOf(run), blocks };
  return { ...languageOf(run), blocks, notebook: { name: posted.name, notebook } };
}
