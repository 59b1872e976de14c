import type { GatewayErrorCode } from '../gateway/errors.ts';
import type { OutputView } from '../output/output-view.ts';
import type { RunOutcome } from './outcome.ts';

/** One picture of a run at a moment: all that an answer shows. Values only; what is shown is made from it by pure functions. */
export interface RunView {
  runId: string;
  /** Slack user id. */
  runner: string;
  kernelspec: string;
  phase: RunPhase;
  /** Undefined before the kernel said anything. */
  output: OutputView | undefined;
  /** What is wrong with the gateway just now. */
  trouble?: GatewayTrouble;
  /** Sentences in our own words, before the output ("The kernel was restarted; variables are gone"). */
  notes: readonly string[];
  /** 1, 2, … : an edited message's run. */
  edition: number;
  /** Buttons that make sense now. */
  actions: readonly RunAction[];
}

/** Why nothing, or not everything, gets through to the kernel or from it. */
export interface GatewayTrouble {
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
  | { kind: 'waiting'; ahead: number; behind?: string }
  /** Asked "#data runs python2; switch to scala?". */
  | { kind: 'switchAsked'; channel: string; from: string; to: string }
  | { kind: 'startingKernel'; sinceMs: number; turnsBefore: number }
  /**
   * `behindOthers`: the kernel has it, and works on another client's code first. `inputMayBeLost`: a question of the code
   * may have been lost with the connection, and the kernel waits for its answer for ever.
   */
  | {
      kind: 'running';
      sinceMs: number;
      stopping: boolean;
      stopIgnored: boolean;
      behindOthers?: boolean;
      inputMayBeLost?: boolean;
      quietMs?: number;
    }
  | { kind: 'inputAsked'; sinceMs: number; prompt: string; password: boolean }
  | { kind: 'ended'; outcome: RunOutcome };

export type RunAction =
  | 'stop'
  | 'cancel'
  | 'runAgain'
  | 'editAndRun'
  | 'delete'
  | 'switch'
  | 'restart'
  | 'answerInput';

/** Where an answer goes. `thread` is the root message's ts. */
export interface AnswerPlace {
  workspace: string;
  channel: string;
  thread: string;
  /** The answer's own ts when it is posted already. */
  answerTs?: string;
}

/** One answer on the screen: one message of one run. The only way runs/ talks to people. */
export interface LiveAnswer {
  /** Shows the newest picture; paced, the latest wins; never throws and never waits. */
  show(view: RunView): void;
  /**
   * Shows the last picture with everything that belongs to it (files, images, tables). Resolves once it stands, with
   * what was told to whom; rejects never: what could not be delivered is in the result.
   */
  finish(view: RunView): Promise<Delivery>;
  /** Lets go without a last word (shutdown): what is pending is flushed, a successor goes on. */
  release(): Promise<void>;
  /** Nothing more is shown: it is to be removed. Resolves when it is known where it stands, if it does. */
  withdraw(): Promise<void>;
}

/**
 * `files` (Slack file ids) and `replies` (ts) stand in the thread beside the answer and belong to it. What was not
 * refused was let go before it stood.
 */
export type Delivery =
  | { delivered: true; answerTs: string; files?: string[]; replies?: string[] }
  | { delivered: false; reason: string; isRefused: boolean };

export interface AnswerOptions {
  runId: string;
  runner: string;
  place: AnswerPlace;
  /** After a crash: look for the answer in the thread by its metadata before posting anew. */
  recovered: boolean;
  /** Told once, as soon as the answer's message exists, so that the ledger can keep its ts. */
  onPosted: (answerTs: string) => void;
  /** False while another process may have the run in hand: nothing is written then. By default always true. */
  mayWrite?: (() => boolean) | undefined;
}

/** Opens an answer. Within 400 ms of this call nothing is posted, so that a quick run costs one post. */
export type OpenAnswer = (options: AnswerOptions) => LiveAnswer;
