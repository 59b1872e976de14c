import { z } from 'zod';
import type { ExecutionCheckpoint, InputRequest } from '../gateway/outputs.ts';
import type { PostedNotebook } from '../notebooks/model.ts';
import { sparkWorkSchema } from '../spark/spark-work.ts';
import { summarizeCode } from '../store/run-reader.ts';
import type { RunRecord } from '../store/store.ts';
import { type RunOutcome, syntheticOutcome } from './outcome.ts';

/** A language that runs in a kernel of another language, wrapped in code of that language. */
export type Dialect = 'sql';

/** The code that a person sent. */
export interface Snippet {
  /** The word for the language, if one was typed. */
  language: string | undefined;
  /**
   * The syntax of Slack's code block (`python`, `scala`). People choose it from a short menu, so it names a language, never a
   * kernelspec. Absent if a language was typed.
   */
  syntax?: string;
  /** When a run is repeated: the language of its code, if that is not the kernelspec's. */
  dialect?: Dialect | undefined;
  /** The code exactly as typed. Each block is one execute_request, in order. */
  blocks: readonly string[];
  /** The notebook whose cells the blocks are. It is posted again with its outputs. */
  notebook?: PostedNotebook | undefined;
}

/** How a snippet came in. */
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
 * Why an answer begins with its requester and its code. `again`: somebody ran the code of another person again. `edited`:
 * the code was changed in the editor. `saved`: the code was run by its name. `allRows`: all rows of a table were asked for.
 */
export type Origin = 'again' | 'edited' | 'saved' | 'allRows';

/** Where code comes from that nobody typed for this run. */
const savedUseSchema = z.object({
  /** The name under which the channel has saved it. */
  name: z.string(),
  /** Absent if a person ran it. `words`: when it runs, in its maker's words. `isQuiet`: it is shown only if it fails. */
  schedule: z.object({ id: z.string(), words: z.string(), isQuiet: z.boolean() }).optional(),
});
export type SavedUse = z.infer<typeof savedUseSchema>;

/** How much of a run's output was on this machine's disk. A successor on another machine does not have it. */
const storedOutputSchema = z.object({ keptBytes: z.number(), keptParts: z.number() });
export type StoredOutput = z.infer<typeof storedOutputSchema>;

/** The execute_request that a block was written with. */
export interface BlockRequest {
  msgId: string;
  kernelId: string;
  sessionId: string;
  /** ms since the epoch; absent in what 0.1.0 wrote. */
  sentAt?: number;
  /** The kernel's process at that time, if the kernel names it (KernelConnection). */
  process?: string;
  /**
   * How far a process of the bot has followed it, and how much of its output was on disk by then. It is stored when the
   * process ends in order, and before that whenever the kernel is silent (`isInterim`).
   */
  checkpoint?: ExecutionCheckpoint & StoredOutput;
}

/** Checks only what this version relies on: an older or newer version may have written other fields too. */
function like<Value>(relied: z.ZodType): z.ZodType<Value> {
  return z.custom<Value>((value) => relied.safeParse(value).success);
}

/** What is stored of a run beside its state and place, as JSON. The code is stored separately. */
const runDataSchema = z.object({
  source: like<Source>(z.string()),
  kernelspec: z.string(),
  /** The word for the language, if one was typed. */
  word: z.string().optional(),
  /** The kernelspec's word: `python`, `scala`, `R`. */
  language: z.string().optional(),
  /** The language of the code, if that is not the kernelspec's. The kernel gets the code wrapped. */
  dialect: like<Dialect>(z.literal('sql')).optional(),
  /** The kernelspec's name for people: `Python 3 with Spark`. */
  displayName: z.string().optional(),
  preview: z.string(),
  codeLength: z.number(),
  codeSha256: z.string(),
  blockCount: z.number(),
  /** The key of the request (a message or a trigger) that this run came from. */
  requestKey: z.string(),
  /** The request key of the requester's own message with the code. Editing or deleting that message affects the run. */
  message: z.string().optional(),
  /** The edit of that message that the code is from: Slack's `edited.ts`. */
  editedTs: z.string().optional(),
  /** 1, 2, …, counted over the edits of one message. */
  edition: z.number(),
  /** The blocks are cells of a notebook: its file name without the extension, and the cells whose errors do not end the run. */
  notebook: z.object({ name: z.string(), mayRaise: z.array(z.number()).optional() }).optional(),
  /** Its answer begins with the requester and the code, because the thread shows somebody else's or other code. */
  origin: like<Origin>(z.string()).optional(),
  saved: savedUseSchema.optional(),
  /** The id of the run before the edit. This run takes over its run message. */
  follows: z.string().optional(),
  /** False: there is nobody who could answer `input()`. */
  attended: z.boolean().optional(),
  /** The run has no message of a person, so the bot posts a root message and answers in its thread. */
  needsRoot: z.boolean(),
  messageTs: z.string().optional(),
  /** Slack file ids and ts of the files and replies in the thread that belong to the run message. */
  files: z.array(z.string()).optional(),
  replies: z.array(z.string()).optional(),
  /** The current block, or the next one. */
  block: z.number(),
  /** The request of the current block; absent between blocks. */
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
  /** The input that the kernel waits for. */
  inputRequest: like<InputRequest>(
    z.object({ id: z.string(), prompt: z.string(), password: z.boolean() }),
  ).optional(),
  /** The run is to be removed with everything it showed, as soon as it has ended. */
  erased: z.boolean().optional(),
  /** Who stopped it: a Slack user id, or `deleted`. */
  stoppedBy: z.string().optional(),
  /** When somebody who waits behind it has asked its requester about it (ms since the epoch). */
  askedAt: z.number().optional(),
  /** When the requester was asked whether to switch the channel's kernel (ms since the epoch). */
  switchAskedAt: z.number().optional(),
  /** Whether the policy lets its requester replace the channel's kernel. */
  maySwitch: z.boolean().optional(),
  /** Slack user id of the person who agreed to the switch. */
  switchAgreedBy: z.string().optional(),
  /** The id of the kernel that this person agreed to replace. */
  agreedKernelId: z.string().optional(),
  /** Sentences at the top of the run message. */
  notes: z.array(z.string()),
  /** An error showed that Spark in the kernel is gone. Everybody who may run code here may then restart the kernel. */
  hasLostSpark: z.boolean().optional(),
  /** What its Spark jobs have done. Absent if all of them were short. */
  spark: sparkWorkSchema.optional(),
  outcome: like<RunOutcome>(
    z.object({ kind: z.string(), durationMs: z.number(), kernelspec: z.string() }),
  ).optional(),
  /** How much of its output was on the disk of the process that saw the end. */
  kept: storedOutputSchema.optional(),
  /** The stored record cannot be read. All other fields are placeholders. */
  isUnreadable: z.boolean().optional(),
});
export type RunData = z.infer<typeof runDataSchema>;

export type Run = RunRecord<RunData>;

/** The language's name for people. */
export function languageName({ displayName = '', dialect, word, kernelspec }: RunData): string {
  if (dialect !== undefined) return 'SQL';
  return displayName.trim() === '' ? (word ?? kernelspec) : displayName;
}

export function isUnfinished({ state }: Pick<Run, 'state'>): boolean {
  return state === 'waiting' || state === 'sending' || state === 'running';
}

/** The runs whose answer nobody has deleted. A deleted one stays stored until Slack has removed its messages. */
export function withoutDeleted(runs: readonly Run[]): Run[] {
  return runs.filter(({ data }) => data.erased !== true);
}

/** The requester was asked about a switch and has not answered. Such a run has no place in the queue and blocks nobody. */
export function isUndecided({ state, data }: Run): boolean {
  return state === 'waiting' && data.switchAskedAt !== undefined && data.switchAgreedBy === undefined;
}

/** The language for a repetition of a run: the kernelspec that ran it, whatever its word means by now. */
export function languageOf({ data }: Run): Pick<Snippet, 'language' | 'dialect'> {
  return { language: data.kernelspec, dialect: data.dialect };
}

/** Whether the root message or the top of the answer shows the code. */
export function showsCode({ data }: Run): boolean {
  return data.needsRoot || data.origin !== undefined;
}

/** Whether a run was accepted with exactly this code. */
export function hasCode({ data }: Run, code: readonly string[]): boolean {
  const { codeSha256, blockCount } = summarizeCode(code);
  return codeSha256 === data.codeSha256 && blockCount === data.blockCount;
}

/** Reads the stored data of a run. Data that cannot be read becomes a placeholder. */
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

/** The outcome of a run whose record cannot be read. Its code is unknown too. */
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
