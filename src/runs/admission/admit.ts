import { randomUUID } from 'node:crypto';
import { UserError } from '../../errors.ts';
import type { Kernelspecs } from '../../gateway/gateway.ts';
import type { Ledger } from '../../store/run-store.ts';
import type { ChannelKernels } from '../session/channel-kernels.ts';
import type { ChannelSettingsStore } from '../languages/channel-settings.ts';
import { laneOf } from '../session/kernel-record.ts';
import type { KernelspecCache } from '../languages/kernelspecs.ts';
import { chooseKernelspec, type LanguageContext } from '../languages/languages.ts';
import type { Door, Run, RunData } from '../run.ts';
import { checkSnippet, type Snippet } from './snippet.ts';

export interface SnippetRequest {
  /** The delivery key: what Slack may repeat (product.md §0). */
  delivery: string;
  door: Door;
  workspace: string;
  channel: string;
  /** The root message's ts; '' for a door that has no message of its own. */
  thread: string;
  runner: string;
  snippet: Snippet;
  /** The runner's own message that the code stands in, and which edit of it. */
  message?: string;
  editedTs?: string;
  /** The run before an edit: this one takes its answer over when it has ended. */
  follows?: Run;
  /** False for a runner that cannot be asked anything (a bot). */
  attended?: boolean;
}

export type Admitted =
  | { kind: 'accepted'; runId: string; lane: string; ahead: number }
  | { kind: 'duplicate' };

export interface AdmissionLimits {
  aliases: Readonly<Record<string, string>>;
  defaultLanguage: string | undefined;
  kernelsPerChannel: number;
  queueLimit: number;
  userLimit: number;
}

export interface AdmitDeps {
  ledger: Ledger<RunData>;
  kernelspecs: KernelspecCache;
  channels: ChannelSettingsStore;
  kernels: Pick<ChannelKernels, 'find'>;
  limits: AdmissionLimits;
}

/**
 * The gate: a snippet is accepted once the ledger has it. Everything that can be refused is refused before that, so
 * that a refusal changes nothing. Throws `UserError`, `GatewayError` (no kernelspecs to be had) and `StoreError`.
 */
export async function admitSnippet(
  request: SnippetRequest,
  deps: AdmitDeps,
  signal?: AbortSignal,
): Promise<Admitted> {
  const { ledger, channels, limits } = deps;
  const { workspace, channel, snippet } = request;
  checkSnippet(snippet);
  const { kernelspec, language, named } = await chooseNow(request, deps);
  const lane = laneOf(workspace, channel, kernelspec, limits.kernelsPerChannel);
  signal?.throwIfAborted();
  const admission = await ledger.admit(
    request.delivery,
    {
      id: randomUUID(),
      workspace,
      channel,
      thread: request.thread,
      lane,
      runner: request.runner,
      createdAt: Date.now(),
      data: {
        door: request.door,
        kernelspec,
        ...(language === undefined ? {} : { language }),
        ...(snippet.language === undefined ? {} : { word: snippet.language }),
        blocks: [...snippet.blocks],
        delivery: request.delivery,
        ...originOf(request, lane),
        needsRoot: request.thread === '',
        block: 0,
        notes: [],
      },
    },
    { perLane: limits.queueLimit, perRunner: limits.userLimit },
  );
  switch (admission.kind) {
    case 'duplicate':
      return { kind: 'duplicate' };
    case 'laneFull':
      throw new UserError(
        'queueFull',
        `The queue of this channel’s kernel is full: ${admission.unfinished} runs are waiting or running (QUEUE_LIMIT). Nothing ran; try again when some have ended.`,
      );
    case 'runnerFull':
      throw new UserError(
        'tooManyRuns',
        `You have ${admission.unfinished} unfinished runs, which is the limit for one person (USER_LIMIT). Nothing ran; wait for one to end or stop it.`,
      );
    case 'accepted':
      if (named && !(await needsSwitch(lane, kernelspec, deps)))
        await channels.change(workspace, channel, { kernelspec });
      return { kind: 'accepted', runId: admission.run.id, lane, ahead: admission.ahead };
  }
}

/** The channel keeps the language of its kernel for as long as nobody has agreed to switch. */
async function needsSwitch(
  lane: string,
  kernelspec: string,
  { kernels, limits }: AdmitDeps,
): Promise<boolean> {
  if (limits.kernelsPerChannel !== 1) return false;
  const record = await kernels.find(lane);
  return record !== undefined && record.kernelspec !== kernelspec;
}

/** What ties a run to the message it came from and to the run before an edit of that message. */
function originOf(request: SnippetRequest, lane: string): Pick<RunData, 'edition' | 'message' | 'follows'> {
  const { message, editedTs, follows, attended } = request;
  return {
    edition: (follows?.data.edition ?? 0) + 1,
    ...(message === undefined ? {} : { message }),
    ...(editedTs === undefined ? {} : { editedTs }),
    // Two kernels side by side run at once: there the answers cannot be one.
    ...(follows?.lane === lane ? { follows: follows.id } : {}),
    ...(attended === false ? { attended } : {}),
  };
}

/** What a word may mean in this channel now. */
export async function readLanguageContext(
  workspace: string,
  channel: string,
  deps: AdmitDeps,
): Promise<LanguageContext> {
  const [kernelspecs, settings] = await Promise.all([
    deps.kernelspecs.read(),
    deps.channels.read(workspace, channel),
  ]);
  return languageContext(kernelspecs, settings.kernelspec, deps.limits);
}

function languageContext(
  kernelspecs: LanguageContext['kernelspecs'],
  channelLanguage: string | undefined,
  { aliases, defaultLanguage }: AdmissionLimits,
): LanguageContext {
  return {
    kernelspecs,
    aliases,
    ...(channelLanguage === undefined ? {} : { channelLanguage }),
    ...(defaultLanguage === undefined ? {} : { defaultLanguage }),
  };
}

/** A name that is not known may be new on the gateway: the list is asked for once more before it is refused. */
export async function chooseNow(
  { workspace, channel, snippet }: Pick<SnippetRequest, 'workspace' | 'channel' | 'snippet'>,
  deps: AdmitDeps,
): Promise<{ kernelspec: string; language: string | undefined; named: boolean }> {
  const context = await readLanguageContext(workspace, channel, deps);
  try {
    return withLanguage(chooseKernelspec(snippet, context), context.kernelspecs);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'unknownLanguage') throw error;
    const kernelspecs = await deps.kernelspecs.refresh();
    return withLanguage(chooseKernelspec(snippet, { ...context, kernelspecs }), kernelspecs);
  }
}

function withLanguage<Chosen extends { kernelspec: string }>(
  chosen: Chosen,
  { list }: Kernelspecs,
): Chosen & { language: string | undefined } {
  return { ...chosen, language: list.find(({ name }) => name === chosen.kernelspec)?.language };
}
