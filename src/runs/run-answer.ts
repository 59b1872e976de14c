import type { AnswerOptions, Delivery, LiveAnswer, OpenAnswer, RunView } from './run-view.ts';
import type { Run } from './run-data.ts';

/** Posts the root message of a slash command ("@user ran python2" with the code); gives its ts. */
export type PostRoot = (root: {
  runId: string;
  workspace: string;
  channel: string;
  runner: string;
  kernelspec: string;
  blocks: readonly string[];
  createdAt: number;
  /** After a crash: look for it by its metadata before posting. */
  recovered: boolean;
}) => Promise<string>;

export interface RunAnswerOptions {
  run: Run;
  recovered: boolean;
  openAnswer: OpenAnswer;
  postRoot: PostRoot;
  /** The ledger keeps where the answer stands. */
  onThread: (thread: string) => void;
  onPosted: (answerTs: string) => void;
}

/**
 * The answer of one run, from admission to its last word. Where the run has no message of its own the root is posted
 * first; the run does not wait for it: the newest picture is kept meanwhile.
 */
export class RunAnswer implements LiveAnswer {
  #answer: LiveAnswer | undefined;
  #pending: RunView | undefined;
  #released = false;
  readonly #opened: Promise<LiveAnswer | Delivery>;

  constructor(options: RunAnswerOptions) {
    const { run } = options;
    if (run.thread === '' && run.data.needsRoot) this.#opened = this.#afterRoot(options);
    else {
      this.#answer = options.openAnswer(answerOptions(options, run.thread));
      this.#opened = Promise.resolve(this.#answer);
    }
  }

  async #afterRoot(options: RunAnswerOptions): Promise<LiveAnswer | Delivery> {
    const { run } = options;
    const { workspace, channel, runner, createdAt } = run;
    const { kernelspec, blocks } = run.data;
    try {
      const root = { runId: run.id, workspace, channel, runner, kernelspec, blocks, createdAt };
      const thread = await options.postRoot({ ...root, recovered: options.recovered });
      options.onThread(thread);
      this.#answer = options.openAnswer(answerOptions(options, thread));
      if (this.#pending !== undefined && !this.#released) this.#answer.show(this.#pending);
      return this.#answer;
    } catch (error) {
      return { delivered: false, reason: error instanceof Error ? error.message : String(error) };
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

  async release(): Promise<void> {
    this.#released = true;
    await this.#answer?.release();
  }
}

function answerOptions(options: RunAnswerOptions, thread: string): AnswerOptions {
  const { run, recovered, onPosted } = options;
  const { answerTs } = run.data;
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
  };
}
