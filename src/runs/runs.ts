import type { Log } from '../log.ts';
import type { Displays, Transcript } from '../output/transcript.ts';
import type { RunIndex, RunStore } from '../store/store.ts';
import { syntheticOutcome } from './outcome.ts';
import {
  markOnMessage,
  type OpenRunMessage,
  quietly,
  type ResultMark,
  type RootContent,
} from './run-view.ts';
import {
  isUnfinished,
  languageName,
  type Run,
  type RunData,
  showsCode,
  type StoredOutput,
  unreadableOutcome,
} from './run.ts';
import type { ChannelKernels } from './session/channel-kernels.ts';
import type { StoredKernel } from './session/kernel/kernel-record.ts';
import { hasStored } from './session/run/execute-run.ts';
import type { FinalMessages, FinalMessagesDeps } from './session/run/final-message.ts';
import { LiveRun } from './session/run/live-run.ts';
import { retryStore } from './session/store-writes.ts';

/** How many runs' code is read at once after a takeover. */
const READ_AT_ONCE = 20;

export interface RunsDeps {
  /** Slack's id of it. Bots of several may share a store: another one's runs are its own affair. */
  workspace: string;
  store: RunStore<RunData>;
  kernels: ChannelKernels;
  finals: FinalMessages;
  openRunMessage: OpenRunMessage;
  /** Removes only what belongs to a run message beside it (files, replies). Never throws. */
  removeAttached: (run: Run) => Promise<unknown>;
  removeMessage: FinalMessagesDeps['removeMessage'];
  openTranscript: (run: Run, recovered: boolean, displays?: Displays) => Promise<Transcript>;
  log: Log;
}

/** All runs that this process has in memory: opened, resumed, changed, erased. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #closing = new AbortController();

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** A run that was just accepted, or resumed (`isRecovered`: its messages may be in Slack already). */
  open(run: Run, code: readonly string[] | undefined, isRecovered = false): LiveRun {
    const { store, log, openRunMessage } = this.#deps;
    return new LiveRun(
      run,
      code,
      (live) => {
        const { data } = run;
        const needsRoot = run.thread === '' && data.needsRoot;
        const root = rootOf(data, code);
        const open = data.saved?.schedule?.isQuiet === true ? quietly(openRunMessage) : openRunMessage;
        return open({
          runId: run.id,
          requester: run.requester,
          workspace: run.workspace,
          channel: run.channel,
          createdAt: run.createdAt,
          thread: run.thread,
          root: needsRoot ? root : undefined,
          mark: markOf(run, code === undefined ? undefined : root),
          messageTs: data.messageTs,
          predecessor: data.follows === undefined ? undefined : this.#takeOverFrom(data.follows),
          recovered: isRecovered,
          onThread: (thread) => live.note({ thread }),
          onPosted: (messageTs) => live.note({ data: { messageTs } }),
        });
      },
      store,
      log,
    );
  }

  /** Waits for the final message of the run before an edit and removes what belonged to it; gives its message's ts. */
  async #takeOverFrom(runId: string): Promise<string | undefined> {
    const { kernels, store, removeAttached } = this.#deps;
    const before = kernels.run(runId);
    await before?.posted;
    const run = before?.run ?? (await store.get(runId).catch(() => undefined));
    const { messageTs, files = [], replies = [] } = run?.data ?? {};
    if (run !== undefined && files.length + replies.length > 0) await removeAttached(run);
    return messageTs;
  }

  /** After a takeover: resumes the unposted runs on the kernels that the store knows. Gives how many runs that were. */
  async recover(unposted: readonly Run[], known: ReadonlyMap<string, StoredKernel>): Promise<number> {
    const { kernels, workspace } = this.#deps;
    kernels.load(new Map([...known].filter(([key]) => key.startsWith(`${workspace}/`))));
    const ours = unposted.filter((run) => run.workspace === workspace);
    for (let at = 0; at < ours.length; at += READ_AT_ONCE)
      await this.#resume(ours.slice(at, at + READ_AT_ONCE));
    return ours.length;
  }

  /** All is read before the first of them goes on, so that they go on in order. */
  async #resume(runs: readonly Run[]): Promise<void> {
    const { store, kernels, log } = this.#deps;
    const readCode = ({ id }: Run) => retryStore(() => store.code(id), this.#closing.signal, log);
    const codes = await Promise.all(
      runs.map(async (run) => (showsCode(run) ? await readCode(run) : undefined)),
    );
    const resumed = runs.map((run, at) => this.open(run, codes[at], true));
    for (const live of resumed) {
      if (live.run.data.isUnreadable === true)
        log.error({ event: 'run.unreadable', run: live.id }, 'the record of a run cannot be read');
      kernels.add(live);
    }
    await Promise.all(
      resumed.map(async (live) => {
        if (!isUnfinished(live.run)) await this.#postEnded(live);
      }),
    );
  }

  /** The final message of a run whose end the predecessor did not live to show. */
  async #postEnded(live: LiveRun): Promise<void> {
    const { openTranscript, finals, log } = this.#deps;
    const { run } = live;
    const { isUnreadable = false, outcome, kernelspec, kept } = run.data;
    const known = isUnreadable ? unreadableOutcome(run) : (outcome ?? syntheticOutcome('broken', kernelspec));
    try {
      const transcript = await openTranscript(run, true);
      await addMissing(transcript, kept, run);
      live.showOutput(() => transcript.view());
      finals.post(live, known);
      void live.posted
        .then(() => {
          // What Slack did not take is left to the next start, with its output.
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

  /** The newest record of a run, from memory while it is there. */
  async find(runId: string): Promise<Run | undefined> {
    return this.#deps.kernels.run(runId)?.run ?? (await this.#deps.store.get(runId));
  }

  /** Newest first: those of a `[channel]`, of a `[channel, thread]` or of a requester (`[user]`). */
  async newest(index: RunIndex, of: readonly string[], limit = 200): Promise<Run[]> {
    const { workspace, store, kernels } = this.#deps;
    const listed = await store.newest(index, [workspace, ...of], limit);
    // What this process notes is written a little later.
    return listed.map((run) => kernels.run(run.id)?.run ?? run);
  }

  /** The code of a run, a text for each block; empty when it is not stored any more. */
  async code(run: Run): Promise<readonly string[]> {
    const live = this.#deps.kernels.run(run.id);
    return live === undefined ? ((await this.#deps.store.code(run.id)) ?? []) : await live.code();
  }

  /** Says a sentence at the head of a run message. */
  async say(run: Run, note: string): Promise<void> {
    const live = this.#deps.kernels.run(run.id);
    if (live === undefined) return;
    live.note({ data: { notes: [...live.run.data.notes, note] } });
    live.refresh();
  }

  /**
   * Removes a run with everything it showed and its code, and the runs whose run message it took over: at once when it is
   * over, else as soon as it has been stopped. What it showed until then is removed at once.
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
      const newest = await kernels.find(run.queue)?.stopEdits(run.id);
      return await finals.erase(newest ?? live?.run ?? run);
    }
    // In one write: a successor would run what was only to be erased behind it.
    await live.commit({ data: { erased: true, stoppedBy: 'deleted' } });
    // Its final message was posted just before: that step has looked for the command already.
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

/** Output that stayed on the disk of the machine that saw the end. */
async function addMissing(
  transcript: Transcript,
  stored: StoredOutput | undefined,
  { createdAt, updatedAt, data }: Run,
): Promise<void> {
  if (hasStored(transcript, stored)) return;
  await transcript.add({
    kind: 'reconnected',
    fromMs: data.startedAt ?? createdAt,
    toMs: updatedAt,
    gap: true,
  });
}

function rootOf(data: RunData, code: readonly string[] | undefined): RootContent {
  return {
    language: languageName(data),
    syntax: data.language,
    blocks: code ?? [data.preview],
    saved: data.saved,
  };
}

/** Undefined where no message is this run's own: one that ran again in a thread says in its answer how it ended. */
function markOf({ data }: Run, root: RootContent | undefined): ResultMark | undefined {
  if (data.needsRoot) return root === undefined ? undefined : { kind: 'root', ...root };
  return markOnMessage(data);
}
