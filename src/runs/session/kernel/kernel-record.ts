import type { Keyv } from 'keyv';
import { z } from 'zod';
import type { Gateway, OnLost } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import { entriesOf } from '../../../store/keyv.ts';
import { upgradeKernel } from '../../../store/version-1.ts';
import { atMost } from '../../../waits.ts';
import type { RunOutcome } from '../../outcome.ts';
import type { Run } from '../../run.ts';
import { LatestWriter } from '../store-writes.ts';

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
  /** The last `In [n]`. If the next one is less, the kernel was restarted meanwhile. */
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

/** Whether a run with this kernelspec would replace the kernel and has to ask first. */
export function needsSwitch(record: KernelRecord | undefined, kernelspec: string): record is KernelRecord {
  return record !== undefined && record.kernelspec !== kernelspec;
}

/** What the store has of one session's kernel. */
export interface StoredKernel {
  record: KernelRecord | undefined;
  /** What happened to the kernel before it: a sentence for the next run. */
  loss: string | undefined;
}

type RecordsGateway = Pick<Gateway, 'saveCookies' | 'restoreCookies' | 'removeLost'>;

/** The stored kernels of all sessions. They are read once, when this process becomes the leader, and written when they change. */
export class KernelRecords {
  readonly #keyv: Keyv;
  readonly #gateway: RecordsGateway;
  readonly #log: Log;
  readonly #lost = new Set<string>();
  readonly #lostWriter: LatestWriter;

  /** The list of lost starts is written until `closing` is aborted. */
  constructor(keyv: Keyv, gateway: RecordsGateway, closing: AbortSignal, log: Log) {
    this.#keyv = keyv;
    this.#gateway = gateway;
    this.#log = log;
    this.#lostWriter = new LatestWriter(() => keyv.set(LOST_STARTS, [...this.#lost]), closing, log);
  }

  /** All kernels by session key. A record that cannot be read becomes a loss. The search for kernels of lost starts goes on. */
  async readAll(): Promise<Map<string, StoredKernel>> {
    const kernels = new Map<string, StoredKernel>();
    for await (const [key, stored] of entriesOf(this.#keyv)) {
      if (key === LOST_STARTS) continue;
      const queue = key.startsWith(LOSS_PREFIX) ? key.slice(LOSS_PREFIX.length) : key;
      const kernel = kernels.get(queue) ?? { record: undefined, loss: undefined };
      kernels.set(queue, kernel);
      if (queue === key) this.#readRecord(queue, stored, kernel);
      else if (typeof stored === 'string') kernel.loss = stored;
    }
    const { data: lost = [] } = z.array(z.string()).safeParse(await this.#keyv.get(LOST_STARTS));
    const used = new Set([...kernels.values()].map(({ record }) => record?.kernelId));
    for (const id of lost) if (!used.has(id)) this.#gateway.removeLost(id, this.noteLost);
    return kernels;
  }

  /** Stores that the kernel of a lost start is being deleted, so that a successor goes on with it. */
  readonly noteLost: OnLost = (kernelId, isLost) => {
    if (isLost) this.#lost.add(kernelId);
    else this.#lost.delete(kernelId);
    this.saveLostStarts();
  };

  saveLostStarts(): void {
    this.#lostWriter.save().catch(() => undefined);
  }

  #readRecord(queue: string, stored: unknown, kernel: StoredKernel): void {
    const read = kernelRecordSchema.safeParse(upgradeKernel(stored));
    if (read.success) {
      const { cookies, ...record } = read.data;
      if (cookies !== undefined) this.#gateway.restoreCookies(record.kernelId, cookies);
      kernel.record = record;
      return;
    }
    this.#log.error({ event: 'kernel.unreadable', queue }, 'the record of a kernel cannot be read');
    kernel.loss = UNREADABLE_NOTE;
  }

  async save(queue: string, record: KernelRecord | undefined): Promise<void> {
    if (record === undefined) return void (await this.#keyv.delete(queue));
    const cookies = this.#gateway.saveCookies(record.kernelId);
    await this.#keyv.set(queue, cookies === undefined ? record : { ...record, cookies });
  }

  async saveLoss(queue: string, loss: StoredKernel['loss']): Promise<void> {
    if (loss === undefined) await this.#keyv.delete(LOSS_PREFIX + queue);
    else await this.#keyv.set(LOSS_PREFIX + queue, loss, LOSS_KEPT_MS);
  }
}

/** How long to wait for writes of the record when this process ends. */
const CLOSING_MS = 1_000;

/**
 * The record of a session's kernel, and the loss that the next run has to report. Changes are in memory at once and in the
 * store a little later.
 */
export class SessionRecord {
  #current: KernelRecord | undefined;
  #loss: string | undefined;
  #storedLoss: string | undefined;
  readonly #queue: string;
  readonly #records: KernelRecords;
  readonly #writer: LatestWriter;
  readonly #closing = new AbortController();

  constructor(queue: string, { record, loss }: StoredKernel, records: KernelRecords, log: Log) {
    this.#queue = queue;
    this.#current = record;
    this.#loss = loss;
    this.#storedLoss = loss;
    this.#records = records;
    this.#writer = new LatestWriter(() => this.#write(), this.#closing.signal, log);
  }

  get current(): KernelRecord | undefined {
    return this.#current;
  }

  get hasLoss(): boolean {
    return this.#loss !== undefined;
  }

  /** Returns the loss and forgets it. The next write removes it from the store. */
  takeLoss(): string | undefined {
    const loss = this.#loss;
    this.#loss = undefined;
    return loss;
  }

  /** Resolves when the record is stored. */
  async replace(record: KernelRecord): Promise<void> {
    this.#current = record;
    await this.#writer.save();
  }

  note(change: Partial<KernelRecord>): void {
    if (this.#current === undefined) return;
    this.#current = { ...this.#current, ...change };
    this.saveBehind();
  }

  /** Forgets the record in memory. {@link saveBehind} removes it from the store. */
  drop(loss: string | undefined): void {
    this.#current = undefined;
    if (loss !== undefined) this.#loss = loss;
  }

  saveBehind(): void {
    this.#writer.save().catch(() => undefined);
  }

  /** The store was emptied: writes everything again. */
  storeAgain(): void {
    this.#storedLoss = undefined;
    this.saveBehind();
  }

  async close(): Promise<void> {
    await atMost(this.#writer.idle, CLOSING_MS);
    this.#closing.abort();
  }

  async #write(): Promise<boolean> {
    const loss = this.#loss;
    await this.#records.save(this.#queue, this.#current);
    if (loss !== this.#storedLoss) {
      await this.#records.saveLoss(this.#queue, loss);
      this.#storedLoss = loss;
    }
    return true;
  }
}

/** After this time nobody misses the variables any more. */
const LOSS_KEPT_MS = 30 * 24 * 60 * 60_000;
/** No session key begins with this. */
const LOSS_PREFIX = 'loss of ';
const LOST_STARTS = 'lost starts';
const UNREADABLE_NOTE =
  'The bot’s record of the channel’s kernel could not be read, so a new one was started. The variables from before are lost.';

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
