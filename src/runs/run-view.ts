import type { GatewayErrorCode } from '../gateway/errors.ts';
import type { OutputView } from '../output/output-view.ts';
import type { SparkWork } from '../spark/spark-work.ts';
import type { RunOutcome } from './outcome.ts';
import { type Origin, type Run, type SavedUse, showsCode } from './run.ts';

/** One picture of a run at a moment: all that its message shows. Values only; blocks are made from it by pure functions. */
export interface RunView {
  runId: string;
  /** Slack user id. */
  requester: string;
  kernelspec: string;
  phase: RunPhase;
  /** What the answer begins with where neither stands in the thread: who ran it, and this code. */
  origin?: { kind: Origin; name?: string | undefined; blocks: readonly string[] } | undefined;
  /** A failure is told to the requester however short it was: nobody was there to see it. */
  namesFailure?: boolean;
  /** The whole code, where no message of a person has it; `language` as the kernelspec says it. */
  code?: { blocks: readonly string[]; language: string } | undefined;
  /** Undefined before the kernel said anything. */
  output: OutputView | undefined;
  /** What its Spark jobs have done so far. */
  spark?: SparkWork | undefined;
  /** What is wrong with the gateway just now. */
  outage?: GatewayOutage | undefined;
  /** Sentences in our own words, before the output ("The kernel was restarted; variables are gone"). */
  notes: readonly string[];
  /** Of a notebook that runs: the cell under way, from 1, among those that run. */
  cell?: { number: number; of: number } | undefined;
  /** 1, 2, … : an edited message's run. */
  edition: number;
  /** Buttons that make sense now. */
  actions: readonly RunAction[];
}

/** Why nothing, or not everything, gets through to the kernel or from it. */
export interface GatewayOutage {
  code: GatewayErrorCode;
  /** The gateway client's own sentence. No secret. */
  detail: string;
  /** Nothing of the kernel is heard; otherwise only our calls fail. */
  isCutOff: boolean;
  /** How far the run has got: nothing was sent, it may have been, the kernel has begun it. */
  sent: 'no' | 'perhaps' | 'yes';
}

export type RunPhase =
  /** `ahead`: unfinished runs before it; `behind`: who runs now (user id), when known. */
  | { kind: 'waiting'; ahead: number; behind?: string | undefined }
  /** Asked "#data runs python2; switch to scala?" (`askedAtMs`, since the epoch), or told who may switch. */
  | { kind: 'switchAsked'; channel: string; from: string; to: string; maySwitch: boolean; askedAtMs?: number }
  | { kind: 'startingKernel'; sinceMs: number; turnsBefore: number }
  /** The server that is the gateway. */
  | { kind: 'startingServer'; sinceMs: number }
  /**
   * `behindOthers`: the kernel has it, and works on another client's code first. `inputMayBeLost`: a question of the code
   * may have been lost with the connection, and the kernel waits for its answer for ever. `ignoredAtMs` (ms since the
   * epoch): when a stop was last seen to have no effect; without `stopIgnored` it was asked for again since then.
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
  /** Unanswered until `untilMs` (ms since the epoch) it is interrupted. */
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
  /** Below a table, not below the answer. */
  | 'allRows'
  | 'save'
  | 'export';

/** One run on the screen: one message, with what belongs to it beside. The only way runs/ talks to people. */
export interface RunMessage {
  /** Shows the newest picture; paced, the latest wins; never throws and never waits. */
  show(view: RunView): void;
  /**
   * Shows the last picture with everything that belongs to it (files, images, tables). Resolves once it is posted, with
   * what was told to whom; rejects never: what could not be delivered is in the result. May be called again (late
   * output).
   */
  finish(view: RunView): Promise<FinishResult>;
  /** Closes it without a last word (shutdown): what is pending is shown, a successor goes on. */
  release(): Promise<void>;
  /** Nothing more is shown: it is to be removed. Resolves when it is known where it is, if it was posted. */
  withdraw(): Promise<void>;
}

/**
 * `files` (Slack file ids) and `replies` (ts) are in the thread beside the run message and belong to it. What is not
 * delivered and was not refused is left to a successor; what was refused was sent to the requester instead. Without a
 * `messageTs` it was delivered by being told nowhere.
 */
export type FinishResult =
  | { delivered: true; messageTs?: string; files?: string[]; replies?: string[] }
  | { delivered: false; reason: string; isRefused: boolean };

/** What the bot's own root message shows. `language`: as it was typed, else the kernelspec. */
export interface RootContent {
  /** As people call it. */
  language: string;
  /** As the kernelspec says it: `python`. */
  syntax?: string | undefined;
  blocks: readonly string[];
  saved?: SavedUse | undefined;
}

/** Where the channel sees at a glance how a run ended: the bot's own root message, or the message of a person. */
export type ResultMark = ({ kind: 'root' } & RootContent) | { kind: 'message'; ts: string };

/** Undefined where the run came from no message of a person. */
export function markOnMessage({
  message,
}: Pick<Run['data'], 'message'>): { kind: 'message'; ts: string } | undefined {
  // `message/WORKSPACE/CHANNEL/TS`
  const ts = message?.split('/').at(-1);
  return ts === undefined ? undefined : { kind: 'message', ts };
}

export interface RunMessageOptions {
  runId: string;
  /** Slack user id. */
  requester: string;
  workspace: string;
  channel: string;
  /** ms since the epoch. */
  createdAt: number;
  /** '' where the run has no message of its own: then `root` is posted first. */
  thread: string;
  root: RootContent | undefined;
  mark?: ResultMark | undefined;
  /** The ts of the run message when it is posted already. */
  messageTs: string | undefined;
  /** The message of the run before an edit, once nobody else writes to it. */
  predecessor: Promise<string | undefined> | undefined;
  /** After a restart: look for root and run message by their metadata before posting. */
  recovered: boolean;
  onThread(this: void, thread: string): void;
  onPosted(this: void, messageTs: string): void;
  /** The run message that was looked for is there, and final: the run has ended. */
  onFinalFound?: (() => void) | undefined;
}

/** Opens a run message. Within 400 ms of this call nothing is posted to a known thread, so that a quick run costs one post. */
export type OpenRunMessage = (options: RunMessageOptions) => RunMessage;

/** One picture of a run, with the buttons that make sense in its phase. `code`: empty where the store has lost it. */
export function viewRun(
  run: Run,
  code: readonly string[] | undefined,
  phase: RunPhase,
  output: OutputView | undefined,
  outage?: GatewayOutage,
): RunView {
  const { id: runId, requester, data } = run;
  const { kernelspec, origin, spark, saved, notes, edition, language = '' } = data;
  const blocks = code ?? [data.preview];
  return {
    runId,
    requester,
    kernelspec,
    phase,
    output,
    origin: origin === undefined ? undefined : { kind: origin, blocks, name: saved?.name },
    spark,
    namesFailure: saved?.schedule !== undefined,
    code: showsCode(run) && code !== undefined && code.length > 0 ? { blocks: code, language } : undefined,
    outage,
    notes,
    cell: cellOf(run, phase),
    edition,
    // Code that nobody knows any more cannot be run again.
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
      // Behind a run of somebody else: its requester can be asked about it.
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

/**
 * The run message of a run that its channel is told of only where it did not end well. It is opened then, or as soon as
 * somebody has to decide about the run; until then nothing is posted.
 */
export function quietly(openRunMessage: OpenRunMessage): OpenRunMessage {
  return (options) => {
    // With a thread of its own it has been told already, by a predecessor.
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
