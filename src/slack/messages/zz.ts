import { SlackError } from '../../errors.ts';
import type { AnswerOptions, Delivery, LiveAnswer, OpenAnswer, RunView } from '../run-view.ts';
import type { Run } from '../run.ts';

/** What the message shows that a run without a message of its own gets ("@user ran python2" with the code). */
export interface RootMessage {
  runId: string;
  workspace: string;
  channel: string;
  runner: string;
  /** As it was typed, else the kernelspec. */
  language: string;
  blocks: readonly string[];
  createdAt: number;
  /** After a crash: look for it by its metadata before posting. */
  recovered: boolean;
  mayWrite?: (() => boolean) | undefined;
}

/** Posts it, however long that takes; gives its ts. Rejects when it is refused, or given up by the signal. */
export type PostRoot = (root: RootMessage, signal: AbortSignal) => Promise<string>;

export interface RunAnswerOptions {
  run: Run;
  recovered: boolean;
  openAnswer: OpenAnswer;
  postRoot: PostRoot;
  /** Where the answer stands that this one takes over; resolves when nobody else writes to it any more. */
  predecessor: Promise<string | undefined> | undefined;
  /** The ledger keeps where the answer stands. */
  onThread: (thread: string) => void;
  onPosted: (answerTs: string) => void;
  /** False while another process may have the run in hand. By default always true. */
  mayWrite?: (() => boolean) | undefined;
}

/**
 * The answer of one run, from admission to its last word. Where the run has no message of its own the root is posted
 * first; after an edit the answer of the run before is taken over once that is done. The run does not wait for either:
 * the newest picture is kept meanwhile.
 */
export class RunAnswer implements LiveAnswer {
  #answer: LiveAnswer | undefined;
  #pending: RunView | undefined;
  readonly #released = new AbortController();
  readonly #opened: Promise<LiveAnswer | Delivery>;

  constructor(options: RunAnswerOptions) {
    const { run, predecessor } = options;
    const { answerTs, needsRoot } = run.data;
    if (run.thread === '' && needsRoot)
      this.#opened = this.#openLater(options, postRootFor(options, this.#released.signal));
    else if (predecessor !== undefined && answerTs === undefined)
      this.#opened = this.#openLater(options, takeOver(options, predecessor));
    else {
      this.#answer = options.openAnswer(answerOptions(options, { thread: run.thread, answerTs }));
      this.#opened = Promise.resolve(this.#answer);
    }
  }

  async #openLater(options: RunAnswerOptions, place: Promise<Standing>): Promise<LiveAnswer | Delivery> {
    try {
      const standing = await place;
      if (this.#released.signal.aborted)
        return { delivered: false, reason: 'the run was let go', isRefused: false };
      this.#answer = options.openAnswer(answerOptions(options, standing));
      if (this.#pending !== undefined) this.#answer.show(this.#pending);
      return this.#answer;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { delivered: false, reason, isRefused: error instanceof SlackError };
    }
  }

  show(view: RunView): void {
    if (this.#answer === undefined) this.#pending = view;
    else this.#answer.show(view);
  }

  async finish(view: RunView): Promise<Delivery> {
    this.#pending = undefined;
    const opened = await this.#opened;
    return 'delivered' in opened ? opened : await opened.finish(view);
  }

  async withdraw(): Promise<void> {
    this.#released.abort();
    await this.#answer?.withdraw();
  }

  async release(): Promise<void> {
    this.#released.abort();
    await this.#answer?.release();
  }
}

/** Where an answer goes: its thread, and its own message where that stands already. */
interface Standing {
  thread: string;
  answerTs: string | undefined;
}

async function postRootFor(
  { run, recovered, postRoot, onThread, mayWrite }: RunAnswerOptions,
  signal: AbortSignal,
): Promise<Standing> {
  const { workspace, channel, runner, createdAt } = run;
  const { word, kernelspec, blocks, answerTs } = run.data;
  const language = word ?? kernelspec;
  const root = { runId: run.id, workspace, channel, runner, language, blocks, createdAt };
  const thread = await postRoot({ ...root, recovered, mayWrite }, signal);
  onThread(thread);
  return { thread, answerTs };
}

async function takeOver(
  { run, onPosted }: RunAnswerOptions,
  predecessor: Promise<string | undefined>,
): Promise<Standing> {
  const answerTs = await predecessor;
  if (answerTs !== undefined) onPosted(answerTs);
  return { thread: run.thread, answerTs };
}

function answerOptions(
  { run, recovered, onPosted, mayWrite }: RunAnswerOptions,
  { thread, answerTs }: Standing,
): AnswerOptions {
  return {
    runId: run.id,
    runner: run.runner,
    place: {
      workspace: run.workspace,
      channel: run.channel,
      thread,
      ...(answerTs === undefined ? {} : { answerTs }),
    },
    recovered,
    onPosted,
    mayWrite,
  };
}
