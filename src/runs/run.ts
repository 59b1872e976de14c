import type { InputRequest } from '../gateway/gateway.ts';
import type { RunRecord } from '../store/run-store.ts';
import type { KeptOutput, StoredCheckpoint } from './session/kept-output.ts';
import type { RunOutcome } from './outcome.ts';

/** The way a snippet came in. */
export type Door =
  | 'slash'
  | 'mention'
  | 'direct'
  | 'thread'
  | 'auto'
  | 'editor'
  | 'shortcut'
  | 'file'
  | 'edit'
  | 'again';

/** What a block was written with. */
export interface SentBlock {
  msgId: string;
  kernelId: string;
  sessionId: string;
  /** The kernel's process then, where it tells (KernelConnection). */
  process?: string;
  /** Where a process that had the time stopped following it, and how much of its output was on disk then. */
  left?: StoredCheckpoint & KeptOutput;
}

/** What the ledger keeps of a run beside its state and place: JSON, written and read by this bot alone. */
export interface RunData {
  door: Door;
  kernelspec: string;
  /** The language's word as it was typed, where one was. */
  word?: string | undefined;
  blocks: string[];
  /** As the kernelspec says it: `python`, `scala`, `R`. */
  language?: string | undefined;
  /** The message (or trigger) this run came from, as a delivery key. */
  delivery: string;
  /** The runner's own message with the code, as its delivery key: editing or deleting that one counts. */
  message?: string;
  /** Which edit of that message the code is from: Slack's `edited.ts`. */
  editedTs?: string;
  /** 1, 2, … over the edits of one message. */
  edition: number;
  /** The run whose answer this one takes over: the same message, before its edit. */
  follows?: string;
  /** False: nobody is there whom the kernel could ask. */
  attended?: boolean;
  /** A slash command has no message of its own: the bot posts one and answers in its thread. */
  needsRoot: boolean;
  answerTs?: string;
  /** Files in the thread that belong to the answer (Slack file ids), and replies of their own (ts). */
  files?: string[];
  replies?: string[];
  /** The block under way or next. */
  block: number;
  /** What block `block` was written with; absent between blocks. */
  sent?: SentBlock | undefined;
  /** ms since the epoch: the kernel's first sign of the first block. */
  startedAt?: number;
  executionCount?: number;
  /** The kernel waits for a line that the runner has not typed yet. */
  asked?: InputRequest | undefined;
  /** To be taken away with all it showed, as soon as it has ended. */
  erased?: boolean;
  /** Somebody asked to stop it (Slack user id, or a word of ours). */
  stopAskedBy?: string;
  /** ms since the epoch: the author was asked whether to switch the channel's kernel. */
  switchAskedAt?: number | undefined;
  /** Slack user id of who agreed to it. */
  switchAgreedBy?: string | undefined;
  /** Sentences for the answer's head. */
  notes: string[];
  outcome?: RunOutcome;
  /** How much of its output was on the disk of the process that saw it end. */
  kept?: KeptOutput;
  /** What the ledger has of it is none of ours: all the rest here stands for what is not known. */
  isUnreadable?: boolean;
}
export type Run = RunRecord<RunData>;

export function isUnfinished(run: Run): boolean {
  return run.state === 'waiting' || run.state === 'sending' || run.state === 'sent';
}

/** The author was asked about a switch and has not answered: the run stands aside and blocks nobody. */
export function standsAside(run: Run): boolean {
  return (
    run.state === 'waiting' && run.data.switchAskedAt !== undefined && run.data.switchAgreedBy === undefined
  );
}
