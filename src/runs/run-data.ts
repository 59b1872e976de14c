import { z } from 'zod';
import type { RunRecord } from '../store/ledger.ts';
import type { OutcomeKind, RunOutcome } from './outcome.ts';

/** What the ledger keeps of a run beside its state and place. JSON; read back through this schema. */

const outcomeKinds = [
  'ok',
  'raised',
  'interrupted',
  'timedOut',
  'tooMuchOutput',
  'inputTimedOut',
  'cancelled',
  'exited',
  'kernelDied',
  'kernelRestarted',
  'kernelGone',
  'notStarted',
  'gatewayAway',
  'outputLost',
  'unknown',
  'broken',
] as const satisfies readonly OutcomeKind[];

const outcomeSchema = z.object({
  kind: z.enum(outcomeKinds),
  durationMs: z.number(),
  executionCount: z.number().optional(),
  kernelspec: z.string(),
  variablesLost: z.boolean(),
  possibleGap: z.boolean(),
  stoppedBy: z.string().optional(),
  detail: z.string().optional(),
});

export const doors = [
  'slash',
  'mention',
  'direct',
  'thread',
  'auto',
  'editor',
  'shortcut',
  'file',
  'edit',
  'again',
] as const;
export type Door = (typeof doors)[number];

export const runDataSchema = z.object({
  door: z.enum(doors),
  kernelspec: z.string(),
  blocks: z.array(z.string()),
  /** As the kernelspec says it: `python`, `scala`, `R`. */
  language: z.string().optional(),
  /** The message (or trigger) this run came from, as a delivery key. */
  delivery: z.string(),
  /** The runner's own message with the code, as its delivery key: editing or deleting that one counts. */
  message: z.string().optional(),
  /** Which edit of that message the code is from: Slack's `edited.ts`. */
  editedTs: z.string().optional(),
  /** 1, 2, … over the edits of one message. */
  edition: z.number(),
  /** The run whose answer this one takes over: the same message, before its edit. */
  follows: z.string().optional(),
  /** False: nobody is there whom the kernel could ask. */
  attended: z.boolean().optional(),
  /** A slash command has no message of its own: the bot posts one and answers in its thread. */
  needsRoot: z.boolean(),
  answerTs: z.string().optional(),
  /** Files in the thread that belong to the answer (Slack file ids), and replies of their own (ts). */
  files: z.array(z.string()).optional(),
  replies: z.array(z.string()).optional(),
  /** The block under way or next. */
  block: z.number(),
  /** What block `block` was written with; absent between blocks. */
  sent: z.object({ msgId: z.string(), kernelId: z.string(), sessionId: z.string() }).optional(),
  /** ms since the epoch: the kernel's first sign of the first block. */
  startedAt: z.number().optional(),
  executionCount: z.number().optional(),
  /** The kernel waits for a line that the runner has not typed yet. */
  asked: z.object({ id: z.string(), prompt: z.string(), password: z.boolean() }).optional(),
  /** To be taken away with all it showed, as soon as it has ended. */
  erased: z.boolean().optional(),
  /** Somebody asked to stop it (Slack user id, or a word of ours). */
  stopAskedBy: z.string().optional(),
  /** ms since the epoch: the author was asked whether to switch the channel's kernel. */
  switchAskedAt: z.number().optional(),
  switchAgreed: z.boolean().optional(),
  /** Sentences for the answer's head. */
  notes: z.array(z.string()),
  outcome: outcomeSchema.optional(),
});

export type RunData = z.infer<typeof runDataSchema>;
export type Run = RunRecord<RunData>;

/** The outcome as zod gives it back, without keys that are present and undefined. */
export function readOutcome(outcome: z.infer<typeof outcomeSchema>): RunOutcome {
  const { executionCount, stoppedBy, detail, ...rest } = outcome;
  return {
    ...rest,
    ...(executionCount === undefined ? {} : { executionCount }),
    ...(stoppedBy === undefined ? {} : { stoppedBy }),
    ...(detail === undefined ? {} : { detail }),
  };
}

export function isUnfinished(run: Run): boolean {
  return run.state === 'waiting' || run.state === 'sending' || run.state === 'sent';
}

/** The author was asked about a switch and has not answered: the run stands aside and blocks nobody. */
export function standsAside(run: Run): boolean {
  return run.state === 'waiting' && run.data.switchAskedAt !== undefined && run.data.switchAgreed !== true;
}
