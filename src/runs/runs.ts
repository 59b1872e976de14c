import type { Log } from '../log.ts';
import type { Displays, Transcript } from '../output/transcript.ts';
import type { RunIndex, RunStore } from '../store/store.ts';
import { syntheticOutcome } from './outcome.ts';
import { type OpenRunMessage, quietly, type RootContent, sourceOf } from './run-view.ts';
import { isUnfinished, languageName, type Run, type RunData, showsCode, unreadableOutcome } from './run.ts';
import type { ChannelKernels } from './session/channel-kernels.ts';
import type { StoredKernel } from './session/kernel/kernel-record.ts';
import { hasStored } from './session/run/execute-run.ts';
import type { FinalMessages, FinalMessagesDeps } from './session/run/final-message.ts';
import { LiveRun } from './session/run/live-run.ts';
import { retryStore } from './session/store-writes.ts';

/** After a takeover the code of this many runs is read at once. */
const READ_AT_ONCE = 20;

export interface RunsDeps {
  /** Slack's id of the workspace. Bots of several workspaces may share a store; each handles only its own runs. */
  workspace: string;
  store: RunStore<RunData>;
  kernels: ChannelKernels;
  finals: FinalMessages;
  openRunMessage: OpenRunMessage;
  /** Removes only the files and replies that belong to a run message. Never throws. */
  removeAttached: (run: Run) => Promise<unknown>;
  removeMessage: FinalMessagesDeps['removeMessage'];
  openTranscript: (run: Run, recovered: boolean, displays?: Displays) => Promise<Transcript>;
  log: Log;
}

/** Opens, resumes, reads, changes and erases runs. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #closing = new AbortController();

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** Opens a run in memory. `isRecovered`: it is resumed after a restart, so its messages may be in Slack already. */
  open(run: Run, code: readonly string[] | undefined, isRecovered = false): LiveRun {
    const { store, log, openRunMessage } = this.#deps;
    return new LiveRun(
      run,
      code,
      (live) => {
        const { data } = run;
        // A root message that is posted already keeps its code if the store has lost it.
        const hasRoot = data.needsRoot && (code !== undefined || run.thread === '');
        const open = data.saved?.schedule?.isQuiet === true ? quietly(openRunMessage) : openRunMessage;
        return open({
          runId: run.id,
          requester: run.requester,
          channel: run.channel,
          createdAt: run.createdAt,
          thread: run.thread,
          root: hasRoot ? rootOf(data, code) : undefined,
          source: sourceOf(data),
          messageTs: data.messageTs,
          predecessor: data.follows === undefined ? undefined : this.#takeOverFrom(data.follows, live),
          recovered: isRecovered,
          onThread: (thread) => live.note({ thread }),
          onPosted: (messageTs) => live.note({ data: { messageTs } }),
        });
      },
      store,
      log,
    );
  }

  /**
   * Waits for the final message of the run before the edit, ends its late output, and removes its files and replies. Resolves
   * with its ts; with undefined if `live` was cancelled before that: the run before goes on and keeps its message, and so its result.
   */
  async #takeOverFrom(runId: string, live: LiveRun): Promise<string | undefined> {
    const { kernels, store, removeAttached } = this.#deps;
    const before = kernels.run(runId);
    await Promise.race([before?.posted, isUnfinished(live.run) ? live.ended : undefined]);
    if (before !== undefined && isUnfinished(before.run)) {
      live.note({ data: { follows: undefined } });
      this.say(before.run, `Run ${live.run.data.edition} was cancelled.`);
      return undefined;
    }
    await before?.posted;
    const ended = before?.run ?? (await store.get(runId).catch(() => undefined));
    const session = ended === undefined ? undefined : kernels.find(ended.queue);
    const run = (await session?.stopEdits(runId, false)) ?? ended;
    const { messageTs, files = [], replies = [] } = run?.data ?? {};
    if (run !== undefined && files.length + replies.length > 0) await removeAttached(run);
    return messageTs;
  }

  /** After a takeover: resumes the unposted runs on the stored kernels. Resolves with the number of runs. */
  async recover(unposted: readonly Run[], known: ReadonlyMap<string, StoredKernel>): Promise<number> {
    const { kernels, workspace } = this.#deps;
    kernels.load(known, workspace);
    const ours = unposted.filter((run) => run.workspace === workspace);
    for (let at = 0; at < ours.length; at += READ_AT_ONCE)
      await this.#resume(ours.slice(at, at + READ_AT_ONCE));
    return ours.length;
  }

  /** Reads the code of all these runs before the first one continues, so that they continue in order. */
  async #resume(runs: readonly Run[]): Promise<void> {
    const { store, kernels, log } = this.#deps;
    const readCode = async (run: Run) =>
      showsCode(run) ? await retryStore(() => store.code(run.id), this.#closing.signal, log) : undefined;
    const codes = await Promise.all(runs.map(readCode));
    if (this.#closing.signal.aborted) return;
    const resumed = runs.map((run, at) => {
      const live = this.open(run, codes[at], true);
      if (run.data.isUnreadable === true)
        log.error({ event: 'run.unreadable', run: run.id }, 'the record of a run cannot be read');
      // Before the next is opened, which may be an edit of it.
      kernels.add(live);
      return live;
    });
    await Promise.all(
      resumed.map(async (live) => {
        if (!isUnfinished(live.run)) await this.#postEnded(live);
      }),
    );
  }

  /** Posts the final message of a run that had ended before the previous process could post it. */
  async #postEnded(live: LiveRun): Promise<void> {
    const { openTranscript, finals, log } = this.#deps;
    const { run } = live;
    const { isUnreadable = false, outcome, kernelspec, kept } = run.data;
    const known = isUnreadable ? unreadableOutcome(run) : (outcome ?? syntheticOutcome('broken', kernelspec));
    try {
      const transcript = await openTranscript(run, true);
      // It may be on the disk of another machine.
      if (!hasStored(transcript, kept)) await transcript.add(gapIn(run));
      live.showOutput(() => transcript.view());
      finals.post(live, known);
      void live.posted
        .then(() => {
          // If Slack did not accept the message, the next start needs the output.
          if (live.run.state === 'posted' || live.run.data.erased === true) return transcript.remove();
        })
        .catch(() => undefined);
    } catch (error) {
      log.error(
        { event: 'spool.unread', err: error, run: run.id },
        'the output of an ended run cannot be read',
      );
      finals.post(live, known);
    }
  }

  /** The newest record of a run, from memory if it is there. */
  async find(runId: string): Promise<Run | undefined> {
    return this.#deps.kernels.run(runId)?.run ?? (await this.#deps.store.get(runId));
  }

  /** Newest first. `of`: `[channel]`, `[channel, thread]` or `[user]`, without the workspace. */
  async newest(index: RunIndex, of: readonly string[], limit = 200): Promise<Run[]> {
    const { workspace, store, kernels } = this.#deps;
    const listed = await store.newest(index, [workspace, ...of], limit);
    // The record in memory may be newer than the stored one.
    return listed.map((run) => kernels.run(run.id)?.run ?? run);
  }

  /** The blocks of a run's code; empty if it is not stored any more. */
  async code(run: Run): Promise<readonly string[]> {
    const live = this.#deps.kernels.run(run.id);
    return live === undefined ? ((await this.#deps.store.code(run.id)) ?? []) : await live.code();
  }

  /** Adds a sentence to the top of a run message. */
  say(run: Run, note: string): void {
    const live = this.#deps.kernels.run(run.id);
    if (live === undefined) return;
    live.note({ data: { notes: [...live.run.data.notes, note] } });
    live.refresh();
  }

  /**
   * Removes a run with its code and everything it showed, and the runs whose run message it took over. An unfinished run is
   * stopped: its message is removed at once, and the rest when it has ended.
   */
  async erase(run: Run): Promise<void> {
    const runs = [run];
    for (let { follows } = run.data; follows !== undefined;) {
      const before = await this.find(follows);
      if (before !== undefined) runs.push(before);
      follows = before?.data.follows;
    }
    for (const each of runs) await this.#eraseOne(each);
  }

  async #eraseOne(run: Run): Promise<void> {
    const { kernels, finals, removeMessage } = this.#deps;
    const live = kernels.run(run.id);
    if (live === undefined || live.run.state === 'posted') {
      // The write of this state may still be repeated, and would restore the record after its removal.
      await live?.posted;
      const newest = await kernels.find(run.queue)?.stopEdits(run.id, true);
      return await finals.erase(newest ?? live?.run ?? run);
    }
    // Both in one write: if only `erased` were stored, a successor would run it first.
    await live.commit({ data: { erased: true, stoppedBy: 'deleted' } });
    // The final message was posted just before this write, and that step has not seen `erased`.
    if (isPosted(live)) return await this.#eraseOne(live.run);
    if (!isUnfinished(live.run)) return;
    kernels.session(live.run).stop(live, { kind: 'deleted' });
    await live.message.withdraw();
    await removeMessage(live.run);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#deps.kernels.close();
  }
}

function isPosted({ run }: LiveRun): boolean {
  return run.state === 'posted';
}

function gapIn({ createdAt, updatedAt, data }: Run) {
  return { kind: 'reconnected', fromMs: data.startedAt ?? createdAt, toMs: updatedAt } as const;
}

function rootOf(data: RunData, code: readonly string[] | undefined): RootContent {
  return {
    language: languageName(data),
    syntax: data.dialect ?? data.language,
    blocks: code ?? [data.preview],
    saved: data.saved,
  };
}
