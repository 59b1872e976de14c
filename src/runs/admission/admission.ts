import { UserError } from '../../errors.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import type { NotebookStore } from '../../notebooks/model.ts';
import type { Acceptance, NewRun, RunStore } from '../../store/store.ts';
import type { ChannelSettingsStore } from '../languages/channel-settings.ts';
import type { KernelspecCache } from '../languages/kernelspecs.ts';
import { chooseLanguage, type ChosenLanguage, type LanguageContext } from '../languages/languages.ts';
import { type Run, type RunData, type Snippet } from '../run.ts';
import type { ChannelKernels } from '../session/channel-kernels.ts';
import type { LiveRun } from '../session/run/live-run.ts';
import { KernelLimit, type WantedKernel } from './kernel-limit.ts';
import { type EditedCode, newRun, snippetData, type SnippetRequest, checkSnippet } from './new-run.ts';
import { Withdrawals } from './withdrawals.ts';

const LANGUAGES_NOT_KNOWN =
  'The server behind this bot is stopped and is being started now; its languages are known when it runs. Nothing ran; send it again in a minute.';

export type Admitted = { kind: 'accepted'; runId: string } | { kind: 'duplicate' };

export interface AdmissionLimits {
  aliases: Readonly<Record<string, string>>;
  defaultLanguage: string | undefined;
  queueLimit: number;
  userLimit: number;
  maxCodeBytes: number;
  kernelsPerUser: number | undefined;
}

export interface AdmissionDeps {
  store: RunStore<RunData>;
  kernelspecs: KernelspecCache;
  channels: ChannelSettingsStore;
  kernels: ChannelKernels;
  gateway: Pick<Gateway, 'findKernel'>;
  limits: AdmissionLimits;
  notebooks: Pick<NotebookStore, 'keep' | 'forget'>;
  /** Opens the run and its run message in memory. */
  openRun: (run: Run, code: readonly string[]) => LiveRun;
  log: Log;
}

/**
 * Turns a snippet into an accepted run. All refusals come before the store is written, so that a refusal changes nothing.
 * After the store has accepted the run, nobody may be told that nothing ran.
 */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #withdrawals: Withdrawals;
  readonly #kernelLimit: KernelLimit | undefined;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
    const { kernelsPerUser } = deps.limits;
    this.#kernelLimit = kernelsPerUser === undefined ? undefined : new KernelLimit(kernelsPerUser, deps);
    this.#withdrawals = new Withdrawals(deps.store, deps.notebooks.forget, deps.log);
  }

  /**
   * Rejects with `UserError`, `GatewayError` (no kernelspecs) or `StoreError`; then nothing was accepted. If `signal` is
   * aborted, it rejects with the reason, and a run that the store may still accept is withdrawn.
   */
  async submit(request: SnippetRequest, signal?: AbortSignal): Promise<Admitted> {
    const { kernels, limits } = this.#deps;
    const { workspace, channel, snippet, requester } = request;
    checkSnippet(snippet, limits.maxCodeBytes);
    const chosen = await this.#choose(workspace, channel, snippet);
    const queue = kernels.queueOf(workspace, channel, chosen.kernelspec);
    const run = newRun(request, queue, chosen);
    const wanted = { queue, kernelspec: chosen.kernelspec, requester };
    let place: { release: () => void };
    try {
      place = this.#takePlace(wanted, await this.#kernelLimit?.findGone(wanted));
    } catch (refusal) {
      // It may be a repetition of a request that was accepted already.
      const known = await this.#deps.store.findRequest(request.requestKey);
      if (known === undefined) throw refusal;
      return { kind: 'duplicate' };
    }
    try {
      signal?.throwIfAborted();
      const accept = (given: NewRun<RunData>) => this.#accept(given, snippet, signal);
      const accepted = await this.#withdrawals.guard(run, accept, signal);
      if (accepted === undefined) return { kind: 'duplicate' };
      const { code, ...record } = accepted.run;
      const { order } = accepted;
      kernels.add(
        this.#deps.openRun({ ...record, state: 'waiting', order, updatedAt: record.createdAt }, code),
      );
      return { kind: 'accepted', runId: record.id };
    } finally {
      place.release();
    }
  }

  /**
   * Stores the notebook first, so that after a crash no accepted run lacks its notebook. A repetition must not: the run
   * may have been edited or deleted since.
   */
  async #accept(
    run: NewRun<RunData>,
    { notebook }: Snippet,
    signal: AbortSignal | undefined,
  ): Promise<Acceptance> {
    const { store, notebooks } = this.#deps;
    const { requestKey } = run.data;
    if (notebook !== undefined && (await store.findRequest(requestKey)) === undefined)
      await notebooks.keep(requestKey, notebook.notebook);
    // Its withdrawal may already be over.
    signal?.throwIfAborted();
    return await store.accept(requestKey, run);
  }

  /** Reserves a place. Throws `UserError` if a limit is reached. */
  #takePlace(wanted: WantedKernel, gone: ReadonlySet<string> | undefined): { release: () => void } {
    const { kernels, limits } = this.#deps;
    const { queue, requester } = wanted;
    const inQueue = kernels.countQueue(queue);
    if (inQueue >= limits.queueLimit)
      throw new UserError(
        'queueFull',
        `The queue of this channel’s kernel is full: ${inQueue} runs are waiting or running. Nothing ran; try again when some have ended.`,
      );
    const ofRequester = kernels.countRequester(requester);
    if (ofRequester >= limits.userLimit)
      throw new UserError(
        'tooManyRuns',
        `You have ${ofRequester} unfinished runs, which is the limit for one person. Nothing ran; wait for one to end or stop it.`,
      );
    this.#kernelLimit?.check(wanted, gone);
    return kernels.reserve({ queue, requester });
  }

  /**
   * Replaces the code of a waiting run after an edit of its message. The run keeps its place in the queue. False if it is too
   * late for that. Rejects as {@link submit} does.
   */
  async replaceWaiting(
    { id, workspace, channel, data: { requestKey } }: Run,
    { snippet, editedTs, saved, origin, notes = [] }: EditedCode,
  ): Promise<boolean> {
    const { kernels, limits } = this.#deps;
    checkSnippet(snippet, limits.maxCodeBytes);
    const chosen = await this.#choose(workspace, channel, snippet);
    const { notebook } = snippet;
    const found = this.#findWaiting(id);
    if (notebook !== undefined && found !== undefined && !kernels.session(found.run).isCurrent(found))
      await this.#deps.notebooks.keep(requestKey, notebook.notebook);
    const live = this.#findWaiting(id);
    if (live === undefined) return false;
    const before = kernels.session(live.run);
    const { kernelspec } = chosen;
    const isSame = kernelspec === live.run.data.kernelspec;
    const changed = { ...snippetData(snippet, chosen), editedTs, saved, origin, notes: [...notes] };
    if (before.isCurrent(live)) {
      // Its kernel may just be starting, for this language.
      const fits = isSame && notebook === undefined && live.run.data.notebook === undefined;
      return fits && (await live.replaceCode(snippet.blocks, changed, live.run.queue));
    }
    const queue = kernels.queueOf(workspace, channel, kernelspec);
    const wanted = { queue, kernelspec, requester: live.run.requester };
    if (!isSame) this.#kernelLimit?.check(wanted);
    const data = { ...changed, switchAskedAt: undefined, switchAgreedBy: undefined };
    before.remove(live);
    try {
      return await live.replaceCode(snippet.blocks, data, queue);
    } finally {
      kernels.session(live.run).submit(live);
    }
  }

  /** This process ends: what it refused is erased before its successor reads the store. */
  async close(): Promise<void> {
    await this.#withdrawals.close();
  }

  #findWaiting(id: string): LiveRun | undefined {
    const live = this.#deps.kernels.run(id);
    return live?.run.state === 'waiting' ? live : undefined;
  }

  /** What words mean in this channel now. */
  async languages(workspace: string, channel: string): Promise<LanguageContext> {
    const kernelspecs = await this.#deps.kernelspecs.read();
    const settings = this.#deps.channels.read(workspace, channel);
    const { aliases, defaultLanguage } = this.#deps.limits;
    const channelLanguage = settings.kernelspec ?? this.#deps.kernels.kernelspecOf(workspace, channel);
    return {
      kernelspecs,
      aliases,
      channelLanguage,
      sparkKernelspec: this.#deps.kernels.sparkKernelspecOf(workspace, channel),
      channelDialect: settings.dialect,
      defaultLanguage,
    };
  }

  /** An unknown name may be new on the gateway, so the list is read again before it is refused. */
  async #choose(workspace: string, channel: string, snippet: Snippet): Promise<ChosenLanguage> {
    const context = await this.languages(workspace, channel);
    try {
      return chooseLanguage(snippet, context);
    } catch (error) {
      if (!(error instanceof UserError) || error.code !== 'unknownLanguage') throw error;
      const kernelspecs = await this.#deps.kernelspecs.refresh();
      if (this.#deps.kernelspecs.isAssumed(kernelspecs)) {
        this.#deps.kernelspecs.learn();
        throw new UserError('unknownLanguage', LANGUAGES_NOT_KNOWN);
      }
      return chooseLanguage(snippet, { ...context, kernelspecs });
    }
  }
}
