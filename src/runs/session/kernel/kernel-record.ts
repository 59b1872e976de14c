import type { Keyv } from 'keyv';
import { z } from 'zod';
import type { Gateway } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import { entriesOf } from '../../../store/keyv.ts';
import { upgradeKernel } from '../../../store/version-1.ts';
import { atMost } from '../../../waits.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run } from '../../run.ts';
import { createLatestWriter } from '../store-writes.ts';

/** The clock may have been ahead when this was written. A kernel that is used in the future would never count as idle. */
const pastTime = z.number().transform((atMs) => Math.min(atMs, Date.now()));

/** What is stored of a session's kernel: enough to find it, reconnect to it and name it after a restart of the bot. */
const kernelRecordSchema = z.object({
  workspace: z.string(),
  channel: z.string(),
  /** The key of the kernel session. */
  queue: z.string(),
  kernelspec: z.string(),
  kernelId: z.string(),
  /** The websocket session. It stays the same over reconnects and restarts, because the gateway replays by it (protocol.md §2.2). */
  sessionId: z.string(),
  /** `starting` is stored before the POST, so that a crash in between leaves no orphan. */
  state: z.enum(['starting', 'up']),
  startedAt: z.number(),
  startedBy: z.string(),
  lastUsedAt: pastTime,
  lastRequester: z.string(),
  /** The last `In [n]`. If the next one is not greater, the kernel was restarted meanwhile. */
  executionCount: z.number(),
  /** The kernel was restarted, by no command of ours, after its last run. The next run says so. */
  restartedUnseen: z.boolean(),
  /** When the channel was warned. The warning counts only if it is newer than the last use. */
  warnedAt: pastTime.optional(),
  /** The Slack user ids of everybody who has run code in it. */
  requesters: z.array(z.string()),
  /** A run in it has used Spark. */
  hasSpark: z.boolean().optional(),
  /** Cookies by which a load balancer finds the right replica of the gateway. They are only in the store. */
  cookies: z.string().optional(),
});
export type KernelRecord = Omit<z.infer<typeof kernelRecordSchema>, 'cookies'>;

/** What the store has of one session's kernel. */
export interface StoredKernel {
  record: KernelRecord | undefined;
  /** What happened to the kernel before it: a sentence for the next run. */
  loss: string | undefined;
}

/** The stored kernels of all sessions. They are read once, when this process becomes the leader, and written when they change. */
export function createKernelRecords(
  keyv: Keyv,
  gateway: Pick<Gateway, 'saveCookies' | 'restoreCookies'>,
  log: Log,
) {
  const readRecord = (queue: string, stored: unknown, kernel: StoredKernel): void => {
    const read = kernelRecordSchema.safeParse(upgradeKernel(stored));
    if (read.success) {
      const { cookies, ...record } = read.data;
      if (cookies !== undefined) gateway.restoreCookies(record.kernelId, cookies);
      kernel.record = record;
      return;
    }
    log.error({ event: 'kernel.unreadable', queue }, 'the record of a kernel cannot be read');
    kernel.loss = UNREADABLE_NOTE;
  };
  return {
    /** All kernels by session key. A record that cannot be read becomes a loss of its session. */
    async readAll(): Promise<Map<string, StoredKernel>> {
      const kernels = new Map<string, StoredKernel>();
      for await (const [key, stored] of entriesOf(keyv)) {
        const queue = key.startsWith(LOSS_PREFIX) ? key.slice(LOSS_PREFIX.length) : key;
        const kernel = kernels.get(queue) ?? { record: undefined, loss: undefined };
        kernels.set(queue, kernel);
        if (queue === key) readRecord(queue, stored, kernel);
        else if (typeof stored === 'string') kernel.loss = stored;
      }
      return kernels;
    },
    async save(record: KernelRecord): Promise<void> {
      const cookies = gateway.saveCookies(record.kernelId);
      await keyv.set(record.queue, cookies === undefined ? record : { ...record, cookies });
    },
    async remove(queue: string): Promise<void> {
      await keyv.delete(queue);
    },
    async saveLoss(queue: string, sentence: string): Promise<void> {
      await keyv.set(LOSS_PREFIX + queue, sentence, LOSS_KEPT_MS);
    },
    async removeLoss(queue: string): Promise<void> {
      await keyv.delete(LOSS_PREFIX + queue);
    },
  };
}

export type KernelRecords = ReturnType<typeof createKernelRecords>;

/** How long to wait for writes of the record when this process ends. */
const CLOSING_MS = 1_000;

/**
 * The record of a session's kernel, and the loss that the next run has to report. Changes are in memory at once and in the
 * store a little later.
 */
export function createSessionRecord(
  queue: string,
  { record, loss: storedLoss }: StoredKernel,
  records: KernelRecords,
  log: Log,
) {
  let current = record;
  let loss = storedLoss;
  const closing = new AbortController();
  const writer = createLatestWriter(() => write(), closing.signal, log);
  const saveBehind = (): void => {
    writer.save().catch(() => undefined);
  };
  const write = async (): Promise<boolean> => {
    const written = loss;
    if (current === undefined) await records.remove(queue);
    else await records.save(current);
    if (written !== storedLoss) {
      await (written === undefined ? records.removeLoss(queue) : records.saveLoss(queue, written));
      storedLoss = written;
    }
    return true;
  };
  return {
    get current(): KernelRecord | undefined {
      return current;
    },
    get hasLoss(): boolean {
      return loss !== undefined;
    },
    /** Returns the loss and forgets it. The next write removes it from the store. */
    takeLoss(): string | undefined {
      const taken = loss;
      loss = undefined;
      return taken;
    },
    /** Resolves when the record is stored. */
    async replace(newer: KernelRecord): Promise<void> {
      current = newer;
      await writer.save();
    },
    note(change: Partial<KernelRecord>): void {
      if (current === undefined) return;
      current = { ...current, ...change };
      saveBehind();
    },
    /** Forgets the record in memory. {@link saveBehind} removes it from the store. */
    drop(newLoss: string | undefined): void {
      current = undefined;
      loss = newLoss ?? loss;
    },
    saveBehind,
    /** The store was emptied: writes everything again. */
    storeAgain(): void {
      storedLoss = undefined;
      saveBehind();
    },
    async close(): Promise<void> {
      await atMost(writer.idle, CLOSING_MS);
      closing.abort();
    },
  };
}

export type SessionRecord = ReturnType<typeof createSessionRecord>;

/** After this time nobody misses the variables any more. */
const LOSS_KEPT_MS = 30 * 24 * 60 * 60_000;
/** No session key begins with this. */
const LOSS_PREFIX = 'loss of ';
const UNREADABLE_NOTE =
  'The bot’s record of the channel’s kernel could not be read, so a new one was started. The variables from before are lost.';

/** The key of a kernel session: one for each channel, or one for each kernelspec in it (KERNELS_PER_CHANNEL). */
export function queueOf(workspace: string, channel: string, kernelspec: string, several: boolean): string {
  return several ? `${workspace}/${channel}/${kernelspec}` : `${workspace}/${channel}`;
}

/** How a run that has ended changes its kernel's record. */
export function recordAfter(
  record: KernelRecord,
  { requester, data }: Pick<Run, 'requester' | 'data'>,
  { kind, variablesLost, executionCount }: Pick<RunOutcome, 'kind' | 'variablesLost' | 'executionCount'>,
): Partial<KernelRecord> {
  const isNew = !record.requesters.includes(requester);
  return {
    // After a loss nobody has variables in it.
    requesters: variablesLost ? [] : isNew ? [...record.requesters, requester] : record.requesters,
    executionCount: variablesLost ? 0 : (executionCount ?? record.executionCount),
    hasSpark: !variablesLost && (record.hasSpark === true || data.spark !== undefined),
    // Only one thread shows that the kernel died, but others miss their variables too.
    restartedUnseen: kind === 'kernelDied',
    lastUsedAt: Date.now(),
    lastRequester: requester,
  };
}

/** What the next run says about the kernel before it. */
export const GONE_NOTE =
  'The channel’s kernel was gone (shut down, culled, or lost by the gateway); a new one was started. Its variables are lost.';
export const EXITED_NOTE =
  'The code of the run before ended the channel’s kernel; a new one was started. The variables from before are gone.';
export const SERVER_STOPPED_NOTE =
  'The server behind the channel’s kernel was stopped and has been started again; the variables from before are gone.';
export const RESTARTED_NOTE = 'The kernel was restarted meanwhile; the variables from before are gone.';
