import type { GatewayErrorCode } from '../gateway/errors.ts';
import { questionHint } from '../output/errors/hints.ts';
import type { OutputView } from '../output/output-view.ts';
import type { SparkWork } from '../spark/spark-work.ts';
import type { RunOutcome } from './outcome.ts';
import { type Origin, type Run, type SavedUse, showsCode } from './run.ts';

/** Everything that the message of a run shows at one moment, as plain values. Pure functions turn it into blocks. */
export interface RunView {
  runId: string;
  /** Slack user id. */
  requester: string;
  kernelspec: string;
  phase: RunPhase;
  /** The answer begins with the requester and this code, because the thread shows neither of them. */
  origin?: { kind: Origin; name?: string | undefined; blocks: readonly string[] } | undefined;
  /** A failure notifies the requester however short the run was, because nobody was watching. */
  namesFailure?: boolean;
  /** The whole code, if no message of a person has it. `language`: the kernelspec's word, or `sql`. */
  code?: { blocks: readonly string[]; language: string } | undefined;
  /** Undefined before the first output. */
  output: OutputView | undefined;
  /** What its Spark jobs have done so far. */
  spark?: SparkWork | undefined;
  /** What is wrong with the gateway now. */
  outage?: GatewayOutage | undefined;
  /** Sentences in our own words, before the output ("The kernel was restarted; variables are gone"). */
  notes: readonly string[];
  /** The files and tables that Slack did not take, and why. The message names none of them as the place of anything. */
  unattached?: readonly { name: string; reason: string }[];
  /** More late output comes: the files that it changes are attached after it. */
  filesFollow?: boolean;
  /** While a notebook runs: the current cell, from 1, and the number of cells to run. */
  cell?: { number: number; of: number } | undefined;
  /** 1 for the message as it was posted, 2, 3, … for its edits. */
  edition: number;
  /** Buttons that make sense now. */
  actions: readonly RunAction[];
}

/** Why the bot cannot reach the kernel, or only in part. */
export interface GatewayOutage {
  code: GatewayErrorCode;
  /** The gateway client's own sentence. No secret. */
  detail: string;
  /** The websocket is down as well. Otherwise only our HTTP requests fail. */
  isCutOff: boolean;
  /** Whether the kernel has the code: nothing was sent, it may have been sent, or the kernel has begun. */
  sent: 'no' | 'perhaps' | 'yes';
}

export type RunPhase =
  /** `ahead`: the number of runs before it. `behind`: the user id of the requester whose run is in front. */
  | { kind: 'waiting'; ahead: number; behind?: string | undefined }
  /** The requester is asked "#data runs python2; switch to scala?" (at `askedAtMs`, since the epoch), or told who may switch. */
  | { kind: 'switchAsked'; channel: string; from: string; to: string; maySwitch: boolean; askedAtMs?: number }
  | { kind: 'startingKernel'; sinceMs: number; turnsBefore: number }
  /** JupyterHub is starting the server that is the gateway. */
  | { kind: 'startingServer'; sinceMs: number }
  /**
   * `behindOthers`: the kernel has the code but first executes code of another client. `inputMayBeLost`: an input request
   * may have been lost with the connection, so the kernel would wait for ever. `ignoredAtMs` (since the epoch): when a stop
   * was last seen to have no effect; if `stopIgnored` is false, somebody has asked for a stop again since then.
   */
  | {
      kind: 'running';
      sinceMs: number;
      stopping: boolean;
      stopIgnored: boolean;
      ignoredAtMs?: number;
      behindOthers?: boolean;
      inputMayBeLost?: boolean;
      quietMs?: number;
    }
  /** The run is interrupted if nobody answers until `untilMs` (since the epoch). */
  | { kind: 'inputAsked'; sinceMs: number; untilMs: number; prompt: string; password: boolean }
  | { kind: 'ended'; outcome: RunOutcome };

export type RunAction =
  | 'stop'
  | 'cancel'
  | 'ask'
  | 'runAgain'
  | 'editAndRun'
  | 'delete'
  | 'switch'
  | 'restart'
  | 'answerInput'
  /** Shown below a table. */
  | 'allRows'
  | 'save'
  | 'export';

/** The Slack message of a run, with its files and replies. runs/ talks to people only through this. */
export interface RunMessage {
  /** Shows the view. Edits are paced, and only the latest view is sent. Never throws. */
  show(view: RunView): void;
  /**
   * Shows the final view with its files, images and tables. Resolves with the result once it is posted or cannot be
   * delivered. Never rejects. It may be called again, for late output.
   */
  finish(view: RunView): Promise<FinishResult>;
  /** Shutdown: sends the pending view and leaves the message to the successor. */
  release(): Promise<void>;
  /** Shows nothing more, because the message is to be removed. Resolves when its ts is known, if it was posted. */
  withdraw(): Promise<void>;
}

/**
 * `files` (Slack ids) and `replies` (ts) are all that is in the thread and belongs to the run message. Without `messageTs`
 * nothing had to be posted. `isRefused`: Slack refused the message for good, and it was sent to the requester instead; otherwise
 * a successor tries again.
 */
export type FinishResult =
  | { delivered: true; messageTs?: string; files?: string[]; replies?: string[] }
  | { delivered: false; reason: string; isRefused: boolean };

/** What the bot's own root message shows. */
export interface RootContent {
  /** The language's name for people. */
  language: string;
  /** The kernelspec's word for it, or `sql`. */
  syntax?: string | undefined;
  blocks: readonly string[];
  saved?: SavedUse | undefined;
}

/** The ts of the message of a person that a run came from; undefined if there is none. */
export function sourceOf({ message }: Pick<Run['data'], 'message'>): string | undefined {
  // `message/WORKSPACE/CHANNEL/TS`
  return message?.split('/').at(-1);
}

export interface RunMessageOptions {
  runId: string;
  /** Slack user id. */
  requester: string;
  channel: string;
  /** ms since the epoch. */
  createdAt: number;
  /** '' if the run has no thread yet: then `root` is posted first. */
  thread: string;
  /**
   * The bot's own root message shows the channel how the run ended; without it `source`, the ts of a message of a person,
   * does.
   */
  root: RootContent | undefined;
  source?: string | undefined;
  /** The ts of the run message, if it is posted already. */
  messageTs: string | undefined;
  /** The message of the run before the edit. It resolves when that run writes to it no more. */
  predecessor: Promise<string | undefined> | undefined;
  /** After a restart: looks for the root and the run message by their metadata before posting. */
  recovered: boolean;
  onThread(this: void, thread: string): void;
  onPosted(this: void, messageTs: string): void;
}

/** Opens a run message. In a known thread nothing is posted for 400 ms, so that a quick run is a single post. */
export type OpenRunMessage = (options: RunMessageOptions) => RunMessage;

/** The view of a run, with the buttons that make sense in its phase. `code` is empty if the store has lost it. */
export function viewRun(
  run: Run,
  code: readonly string[] | undefined,
  phase: RunPhase,
  output: OutputView | undefined,
  more: Pick<RunView, 'outage' | 'filesFollow'> = {},
): RunView {
  const { id: runId, requester, data } = run;
  const { kernelspec, origin, spark, saved, notes, edition, language = '', dialect } = data;
  const blocks = code ?? [data.preview];
  const [block = ''] = blocks.length === 1 ? blocks : [];
  const hint = phase.kind === 'ended' && output !== undefined ? questionHint(block, output) : undefined;
  return {
    runId,
    requester,
    kernelspec,
    phase,
    output,
    origin: origin === undefined ? undefined : { kind: origin, blocks, name: saved?.name },
    spark,
    namesFailure: saved?.schedule !== undefined,
    code:
      showsCode(run) && code?.[0] !== undefined ? { blocks: code, language: dialect ?? language } : undefined,
    ...more,
    notes: hint === undefined ? notes : [...notes, hint],
    cell: cellOf(run, phase),
    edition,
    // Code that is lost cannot be run again.
    actions: data.isUnreadable === true ? ['delete'] : actionsFor(phase, run),
  };
}

function cellOf({ data }: Run, { kind }: RunPhase): RunView['cell'] {
  const isRunning = kind === 'running' || kind === 'inputAsked';
  return data.notebook === undefined || !isRunning
    ? undefined
    : { number: data.block + 1, of: data.blockCount };
}

function actionsFor(phase: RunPhase, { requester, data }: Run): RunAction[] {
  switch (phase.kind) {
    case 'waiting':
      // If the run in front belongs to somebody else, that person can be asked about it.
      return phase.behind === undefined || phase.behind === requester ? ['cancel'] : ['cancel', 'ask'];
    case 'switchAsked':
      return phase.maySwitch ? ['switch', 'cancel'] : ['cancel'];
    case 'startingKernel':
    case 'startingServer':
      return ['stop'];
    case 'running':
      return phase.ignoredAtMs === undefined ? ['stop'] : ['stop', 'restart'];
    case 'inputAsked':
      return ['answerInput', 'stop'];
    case 'ended':
      return [
        ...(data.hasLostSpark === true ? (['restart'] as const) : []),
        ...(['runAgain', 'editAndRun', 'delete', 'save', 'export'] as const),
      ];
  }
}

/** A run message that is posted only if the run does not end well or somebody has to decide about it. */
export function quietly(openRunMessage: OpenRunMessage): OpenRunMessage {
  return (options) => {
    // If it has a thread already, an earlier process has posted it.
    let opened = options.thread === '' ? undefined : openRunMessage(options);
    const open = (): RunMessage => (opened ??= openRunMessage(options));
    return {
      show(view) {
        if (opened !== undefined || view.phase.kind === 'switchAsked') open().show(view);
      },
      async finish(view): Promise<FinishResult> {
        if (opened === undefined && endedWell(view)) return { delivered: true };
        return await open().finish(view);
      },
      release: async () => await opened?.release(),
      withdraw: async () => await opened?.withdraw(),
    };
  };
}

function endedWell({ phase }: RunView): boolean {
  return phase.kind === 'ended' && phase.outcome.kind === 'ok';
}
