import { z } from 'zod';
import type { ExecutionCheckpoint, InputRequest } from '../gateway/outputs.ts';
import type { PostedNotebook } from '../notebooks/model.ts';
import { sparkWorkSchema } from '../spark/spark-work.ts';
import { summarizeCode } from '../store/run-reader.ts';
import type { RunRecord } from '../store/store.ts';
import { type RunOutcome, syntheticOutcome } from './outcome.ts';

/** A language that kernels of others take, wrapped in their own. */
export type Dialect = 'sql';

/** What a person sent to be run. */
export interface Snippet {
  /** The language's word as typed, where one was. */
  language: string | undefined;
  /**
   * The syntax that Slack's code block is marked with (`python`, `scala`): chosen from a short menu, so it says which
   * language, never which kernelspec. Absent where a language was typed.
   */
  syntax?: string;
  /** Of a run that is repeated: what its code is written in, where that is not the kernelspec's language. */
  dialect?: Dialect | undefined;
  /** Code exactly as typed: one execute_request each, in order. */
  blocks: readonly string[];
  /** The notebook whose cells the blocks are: it is given back with its outputs. */
  notebook?: PostedNotebook | undefined;
}

/** The way a snippet came in. */
export type Source =
  | 'slash'
  | 'mention'
  | 'direct'
  | 'thread'
  | 'auto'
  | 'editor'
  | 'shortcut'
  | 'file'
  | 'edit'
  | 'again'
  | 'schedule';

/**
 * `again`: somebody ran another's code again; `edited`: it was changed in the editor, in the thread of the run before;
 * `saved`: it was called by a name; `allRows`: somebody asked for all rows of a table.
 */
export type Origin = 'again' | 'edited' | 'saved' | 'allRows';

/** What stands behind code that nobody typed for this run. */
const savedUseSchema = z.object({
  /** The name that it is saved under in its channel. */
  name: z.string(),
  /** Absent where a person asked for it. `words`: when it runs, as its maker said. `isQuiet`: told only where it fails. */
  schedule: z.object({ id: z.string(), words: z.string(), isQuiet: z.boolean() }).optional(),
});
export type SavedUse = z.infer<typeof savedUseSchema>;

/** How much of a run's output is on this machine's disk. A successor on another machine does not have it. */
const storedOutputSchema = z.object({ keptBytes: z.number(), keptParts: z.number() });
export type StoredOutput = z.infer<typeof storedOutputSchema>;

/** The execute_request that a block was written with. */
export interface BlockRequest {
  msgId: string;
  kernelId: string;
  sessionId: string;
  /** ms since the epoch; absent in what 0.1.0 wrote. */
  sentAt?: number;
  /** The kernel's process then, where it tells (KernelConnection). */
  process?: string;
  /** Where a process that ended in order stopped following it, and how much of its output was on disk then. */
  checkpoint?: ExecutionCheckpoint & StoredOutput;
}

/** A value of this type, as far as this version relies on it: what an older or a newer one wrote may differ in the rest. */
function like<Value>(relied: z.ZodType): z.ZodType<Value> {
  return z.custom<Value>((value) => relied.safeParse(value).success);
}

/** What the store keeps of a run beside its state and place: JSON, written by the leader alone. The code is apart. */
const runDataSchema = z.object({
  source: like<Source>(z.string()),
  kernelspec: z.string(),
  /** The language's word as it was typed, where one was. */
  word: z.string().optional(),
  /** As the kernelspec says it: `python`, `scala`, `R`. */
  language: z.string().optional(),
  /** What the code is written in, where that is not the kernelspec's language: the kernel gets it wrapped. */
  dialect: like<Dialect>(z.literal('sql')).optional(),
  /** The kernelspec's name for people: `Python 3 with Spark`. */
  displayName: z.string().optional(),
  preview: z.string(),
  codeLength: z.number(),
  codeSha256: z.string(),
  blockCount: z.number(),
  /** The request (message or trigger) that this run came from. */
  requestKey: z.string(),
  /** The request key of the requester's own message with the code: editing or deleting that message counts. */
  message: z.string().optional(),
  /** Which edit of that message the code is from: Slack's `edited.ts`. */
  editedTs: z.string().optional(),
  /** 1, 2, … over the edits of one message. */
  edition: z.number(),
  /** The blocks are the cells of a notebook: its file's name, without the ending, and the cells whose error ends nothing. */
  notebook: z.object({ name: z.string(), mayRaise: z.array(z.number()).optional() }).optional(),
  /** Its answer begins with who and the code: what stands in the thread is somebody else's, or other code. */
  origin: like<Origin>(z.string()).optional(),
  saved: savedUseSchema.optional(),
  /** The run whose run message this one takes over: the same message, before its edit. */
  follows: z.string().optional(),
  /** False: nobody is there whom the kernel could ask. */
  attended: z.boolean().optional(),
  /** A slash command has no message of its own: the bot posts one and answers in its thread. */
  needsRoot: z.boolean(),
  messageTs: z.string().optional(),
  /** Files in the thread that belong to the run message (Slack file ids), and replies of their own (ts). */
  files: z.array(z.string()).optional(),
  replies: z.array(z.string()).optional(),
  /** The block under way or next. */
  block: z.number(),
  /** What block `block` was written with; absent between blocks. */
  request: like<BlockRequest>(
    z.object({
      msgId: z.string(),
      kernelId: z.string(),
      sessionId: z.string(),
      sentAt: z.number().optional(),
    }),
  ).optional(),
  /** ms since the epoch: the kernel's first message about the first block. */
  startedAt: z.number().optional(),
  executionCount: z.number().optional(),
  /** The kernel waits for a line that the requester has not typed yet. */
  inputRequest: like<InputRequest>(
    z.object({ id: z.string(), prompt: z.string(), password: z.boolean() }),
  ).optional(),
  /** To be removed with all it showed, as soon as it has ended. */
  erased: z.boolean().optional(),
  /** Who asked to stop it: a Slack user id, or `deleted`. */
  stoppedBy: z.string().optional(),
  /** ms since the epoch: its requester was asked about it by somebody who waits behind it. */
  askedAt: z.number().optional(),
  /** ms since the epoch: the requester was asked whether to switch the channel's kernel. */
  switchAskedAt: z.number().optional(),
  /** By the policy its requester may replace the channel's kernel. */
  maySwitch: z.boolean().optional(),
  /** Slack user id of who agreed to it. */
  switchAgreedBy: z.string().optional(),
  /** The kernel whose variables that was about. */
  agreedKernelId: z.string().optional(),
  /** Sentences for the head of the run message. */
  notes: z.array(z.string()),
  /** The kernel's Spark is gone by what its code raised: everybody who may run code here may restart the kernel. */
  hasLostSpark: z.boolean().optional(),
  /** What its Spark jobs have done, as far as one of them lasted. */
  spark: sparkWorkSchema.optional(),
  outcome: like<RunOutcome>(
    z.object({ kind: z.string(), durationMs: z.number(), kernelspec: z.string() }),
  ).optional(),
  /** How much of its output was on the disk of the process that saw it end. */
  kept: storedOutputSchema.optional(),
  /** The stored record cannot be read: all the rest here is a placeholder. */
  isUnreadable: z.boolean().optional(),
});
export type RunData = z.infer<typeof runDataSchema>;

export type Run = RunRecord<RunData>;

/** What people call the run's language. */
export function languageName({ displayName = '', dialect, word, kernelspec }: RunData): string {
  if (dialect !== undefined) return 'SQL';
  return displayName.trim() === '' ? (word ?? kernelspec) : displayName;
}

export function isUnfinished({ state }: Pick<Run, 'state'>): boolean {
  return state === 'waiting' || state === 'sending' || state === 'running';
}

/** The requester was asked about a switch and has not answered: the run keeps no place and blocks nobody. */
export function isUndecided({ state, data }: Run): boolean {
  return state === 'waiting' && data.switchAskedAt !== undefined && data.switchAgreedBy === undefined;
}

/** The language of a snippet that repeats a run: the kernelspec that ran, not what its word means by now. */
export function languageOf({ data }: Run): Pick<Snippet, 'language' | 'dialect'> {
  return { language: data.kernelspec, dialect: data.dialect };
}

/** Its root message, or the head of its answer, shows the code. */
export function showsCode({ data }: Run): boolean {
  return data.needsRoot || data.origin !== undefined;
}

/** Whether a run was accepted with exactly this code. */
export function hasCode({ data }: Run, code: readonly string[]): boolean {
  const { codeSha256, blockCount } = summarizeCode(code);
  return codeSha256 === data.codeSha256 && blockCount === data.blockCount;
}

/** What the store has of a run → its data. What cannot be read becomes the data of a run of which nothing is known. */
export function readRunData(stored: unknown): RunData {
  return isRunData(stored) ? stored : structuredClone(UNREADABLE);
}

function isRunData(stored: unknown): stored is RunData {
  return runDataSchema.safeParse(stored).success;
}

const UNREADABLE: RunData = {
  source: 'mention',
  kernelspec: '',
  word: 'code',
  ...summarizeCode([]),
  requestKey: '',
  edition: 1,
  needsRoot: true,
  block: 0,
  notes: [],
  isUnreadable: true,
};

/** How a run ends whose record cannot be read: nobody knows its code any more. */
export function unreadableOutcome({ state }: Run): RunOutcome {
  const detail = 'The bot’s record of this run cannot be read.';
  switch (state) {
    case 'waiting':
      return { ...syntheticOutcome('notStarted', ''), detail: `${detail} Send the code again.` };
    case 'sending':
      return { ...syntheticOutcome('unknown', ''), detail };
    case 'running':
    case 'ended':
    case 'posted':
      return { ...syntheticOutcome('broken', ''), detail };
  }
}
