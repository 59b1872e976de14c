import { z } from 'zod';
import type { Value } from '../parameters/values.ts';

const valueSchema: z.ZodType<Value> = z.lazy(() =>
  z.union([
    z.object({ kind: z.enum(['integer', 'decimal']), digits: z.string() }),
    z.object({ kind: z.literal('boolean'), isTrue: z.boolean() }),
    z.object({ kind: z.literal('null') }),
    z.object({ kind: z.literal('text'), text: z.string() }),
    z.object({ kind: z.literal('list'), items: z.array(valueSchema) }),
  ]),
);

/** Why a schedule rests; the channel was told. */
export type PauseReason = 'byHand' | 'failures' | 'makerGone' | 'snippetGone' | 'noChannel';

export const scheduleSchema = z.object({
  /** uuid. */
  id: z.string(),
  /** What people call it by in its channel: 1, 2, … */
  number: z.number(),
  workspace: z.string(),
  channel: z.string(),
  /** Slack user id: each run is theirs. */
  maker: z.string(),
  /** ms since the epoch, as are all times here. */
  madeAt: z.number(),
  /** Of the saved snippet. */
  name: z.string(),
  /** As its maker said when; and the cron line that it means. */
  words: z.string(),
  cron: z.string(),
  /** `Europe/Berlin`. */
  timeZone: z.string(),
  parameters: z.array(z.object({ name: z.string(), value: valueSchema })),
  /** The channel sees a run of it only where it failed. */
  onlyOnFailure: z.boolean(),
  pausedFor: z.enum(['byHand', 'failures', 'makerGone', 'snippetGone', 'noChannel']).optional(),
  /** Every planned minute up to this time has been dealt with. */
  settledTo: z.number(),
  /** Failures in a row. */
  failures: z.number(),
  /** Its newest run. */
  lastRunId: z.string().optional(),
});
export type Schedule = Readonly<z.infer<typeof scheduleSchema>>;

/** What changes of a schedule once it is made. */
export type ScheduleChange = Partial<Pick<Schedule, 'settledTo' | 'failures' | 'lastRunId'>> & {
  /** `undefined` resumes it. */
  pausedFor?: PauseReason | undefined;
};

/** One planned minute is one request, over crashes, takeovers and changes of the clock. */
export function plannedRequest({ workspace, id }: Schedule, plannedAtMs: number): string {
  return `schedule/${workspace}/${id}/${new Date(plannedAtMs).toISOString().slice(0, 16)}`;
}
