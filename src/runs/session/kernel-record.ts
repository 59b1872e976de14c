import { randomUUID } from 'node:crypto';
import { z } from 'zod';

/** What Keyv keeps of a lane's kernel: enough to find it, reattach to it and name it after a restart of the bot. */
export const kernelRecordSchema = z.object({
  workspace: z.string(),
  channel: z.string(),
  lane: z.string(),
  kernelspec: z.string(),
  kernelId: z.string(),
  /** The websocket session: the same over reconnects and restarts, or the gateway's replay is lost (protocol.md §2.2). */
  sessionId: z.string(),
  /** `starting` is written before the POST, so that a crash in between leaves no orphan. */
  state: z.enum(['starting', 'up']),
  startedAt: z.number(),
  startedBy: z.string(),
  lastUsedAt: z.number(),
  lastRunner: z.string(),
  lastThread: z.string(),
  /** The run that used it last: the thread of a quick one is known only after its end. */
  lastRun: z.string().optional(),
  /** The last `In [n]`: a smaller one later means that the kernel was restarted meanwhile. */
  executionCount: z.number(),
  /** The kernel was restarted by no command of ours since its last run ended: the next run says so. */
  restartedUnseen: z.boolean(),
  /** When the channel was warned that it idles; counts while it is newer than the last use. */
  warnedAt: z.number().optional(),
  /** Everyone who has run code in it. */
  runners: z.array(z.string()),
});
export type KernelRecord = z.infer<typeof kernelRecordSchema>;

/** For whom, and for which lane, a kernel is started. */
export interface KernelOwner {
  workspace: string;
  channel: string;
  lane: string;
  runner: string;
  thread: string;
}

/** A kernel that is still to be started, under an id that we choose. */
export function newKernelRecord(owner: KernelOwner, kernelspec: string): KernelRecord {
  const now = Date.now();
  return {
    workspace: owner.workspace,
    channel: owner.channel,
    lane: owner.lane,
    kernelspec,
    kernelId: randomUUID(),
    sessionId: randomUUID(),
    state: 'starting',
    startedAt: now,
    startedBy: owner.runner,
    lastUsedAt: now,
    lastRunner: owner.runner,
    lastThread: owner.thread,
    executionCount: 0,
    restartedUnseen: false,
    runners: [],
  };
}

/** The queue and the slot of one kernel. With one kernel a channel, every language shares the lane. */
export function laneOf(
  workspace: string,
  channel: string,
  kernelspec: string,
  kernelsPerChannel: number,
): string {
  return kernelsPerChannel === 1 ? `${workspace}/${channel}` : `${workspace}/${channel}/${kernelspec}`;
}
