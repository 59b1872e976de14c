import { z } from 'zod';
import { bareOutcome, type RunOutcome } from './outcome.ts';
import type { Run, RunData } from './run.ts';

/** What everything else relies on. Loose, so that what a newer version adds is kept. */
const runDataSchema = z.looseObject({
  door: z.string(),
  kernelspec: z.string(),
  word: z.string().optional(),
  blocks: z.array(z.string()),
  language: z.string().optional(),
  delivery: z.string(),
  message: z.string().optional(),
  editedTs: z.string().optional(),
  edition: z.number(),
  follows: z.string().optional(),
  attended: z.boolean().optional(),
  needsRoot: z.boolean(),
  answerTs: z.string().optional(),
  files: z.array(z.string()).optional(),
  replies: z.array(z.string()).optional(),
  block: z.number(),
  sent: z.looseObject({ msgId: z.string(), kernelId: z.string(), sessionId: z.string() }).optional(),
  startedAt: z.number().optional(),
  executionCount: z.number().optional(),
  asked: z.looseObject({ id: z.string(), prompt: z.string(), password: z.boolean() }).optional(),
  erased: z.boolean().optional(),
  stopAskedBy: z.string().optional(),
  switchAskedAt: z.number().optional(),
  switchAgreedBy: z.string().optional(),
  notes: z.array(z.string()),
  outcome: z.looseObject({ kind: z.string(), durationMs: z.number(), kernelspec: z.string() }).optional(),
  kept: z.looseObject({ keptBytes: z.number(), keptParts: z.number() }).optional(),
});

/** What the ledger has of a run → its data. What is none is read as that of a run of which nothing else is known. */
export function readRunData(stored: unknown): RunData {
  return isRunData(stored) ? stored : structuredClone(unreadable);
}

function isRunData(stored: unknown): stored is RunData {
  return runDataSchema.safeParse(stored).success;
}

const unreadable: RunData = {
  door: 'mention',
  kernelspec: '',
  word: 'code',
  blocks: [],
  delivery: '',
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
      return { ...bareOutcome('notStarted', ''), detail: `${detail} Send the code again.` };
    case 'sending':
      return { ...bareOutcome('unknown', ''), detail };
    case 'sent':
    case 'ended':
    case 'posted':
      return { ...bareOutcome('broken', ''), detail };
  }
}
