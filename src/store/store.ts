import type { Keyv } from 'keyv';
import { inHome } from '../folders.ts';

/** What STORE_URL can name. */
export type StoreAddress =
  /** A file that one process holds alone. */
  | { kind: 'sqlite'; url: string; path: string }
  /** `redis://` or `rediss://`, with a user and a password where the URL has them. */
  | { kind: 'redis'; url: string; password: string }
  /** Nothing survives the process. */
  | { kind: 'memory'; url: string };

/** Undefined for anything that no store can open. */
export function readStoreAddress(text: string): StoreAddress | undefined {
  if (/^memory:(\/\/)?$/.test(text)) return { kind: 'memory', url: text };
  const [, path] = /^sqlite:(?!\/\/|:)(.+)$/.exec(text) ?? [];
  if (path !== undefined) return { kind: 'sqlite', url: text, path: inHome(path) };
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined;
  // The path is the number of a database, or empty. A query is not read, so `?db=3` would write to another database.
  if (!/^(\/\d*)?$/.test(url.pathname + url.search + url.hash)) return undefined;
  return { kind: 'redis', url: text, password: decodeLoosely(url.password) };
}

/** A percent sign that begins no escape stands for itself, as it may in a password. */
export function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * What outlives the process: the runs, Keyv's namespaces and the leader lease. The stores in memory, SQLite and Redis pass
 * the same contract tests. Every method rejects with `StoreError`.
 *
 * Each write is atomic. The store accepts it only while its lease record names this holder and this epoch, and otherwise
 * refuses it with `notLeader`. A standby may read.
 */

export interface Backup {
  path: string;
  bytes: number;
  durationMs: number;
}

/** waiting → sending (stored before the request is sent) → running (after the kernel's first message) → ended → posted. */
export type RunState = 'waiting' | 'sending' | 'running' | 'ended' | 'posted';

/** `Data` is JSON that only runs/ reads. The code is stored beside the record. */
export interface RunRecord<Data> {
  /** uuid. */
  readonly id: string;
  readonly workspace: string;
  readonly channel: string;
  /** The ts of the thread with the run message; '' until the root message of a slash command is posted. */
  readonly thread: string;
  /** Key of the kernel session. */
  readonly queue: string;
  /** Slack user id of the person who sent, pressed or posted the code. */
  readonly requester: string;
  readonly state: RunState;
  /** The order of acceptance over the whole store: a smaller number was accepted earlier. */
  readonly order: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly data: Data;
}

/** A run to be accepted, with its code. */
export type NewRun<Data> = Omit<RunRecord<Data>, 'state' | 'order' | 'updatedAt'> & {
  readonly code: readonly string[];
};

/** `duplicate`: the request was known already. `runId` is the run that it made, '' if it made none. */
export type Acceptance = { kind: 'accepted'; order: number } | { kind: 'duplicate'; runId: string };

/** The ids of the erased runs, and whether more may have to be erased. */
export interface Purged {
  ids: string[];
  isPartial: boolean;
}

/** How many runs, and how many requests, one purge erases at most. */
export const PURGE_BATCH = 200;

export type RunIndex = 'thread' | 'channel' | 'requester';

export interface RunStore<Data> {
  /** Inserts the request key, the run (`waiting`, last in order) and its code in one step, unless the key is known. */
  accept(requestKey: string, run: NewRun<Data>): Promise<Acceptance>;
  /** Records a request that makes no run. Resolves with true only the first time. */
  markSeen(requestKey: string, atMs: number): Promise<boolean>;
  /** Forgets a request, so that it may be tried again. */
  forgetRequest(requestKey: string): Promise<void>;
  /** The run that a request made, '' if it made none, undefined if the request is not known. */
  findRequest(requestKey: string): Promise<string | undefined>;
  /**
   * Overwrites the whole record, and the code where it is given, in one step. False: the store has no such run (it was
   * erased, or the store was emptied).
   */
  save(run: RunRecord<Data>, code?: readonly string[]): Promise<boolean>;
  /** Writes a run back, in its old place in the order, after the store was emptied. */
  restore(requestKey: string, run: RunRecord<Data>, code: readonly string[]): Promise<void>;
  get(runId: string): Promise<RunRecord<Data> | undefined>;
  /** The blocks of code; undefined if there are none or they cannot be read. */
  code(runId: string): Promise<string[] | undefined>;
  /** Every run that is not posted yet, in order. */
  unposted(): Promise<RunRecord<Data>[]>;
  /** Newest first. `of`: [workspace, channel, thread], [workspace, channel] or [workspace, requester]. */
  newest(index: RunIndex, of: readonly string[], limit: number): Promise<RunRecord<Data>[]>;
  /** Erases a run and its code. Its request stays known. */
  remove(runId: string): Promise<void>;
  /** Erases a run, its code and its request key, so that the same request may be repeated. */
  withdraw(runId: string, requestKey: string): Promise<void>;
  /**
   * Erases some of the posted runs last changed before `runsBefore`, with their code, and some of the request keys older
   * than `requestsBefore`. It erases few at a time, because everything else waits meanwhile.
   */
  purge(before: { runsBefore: number; requestsBefore: number }): Promise<Purged>;
  /** Makes a cheap request. Rejects if the store does not answer. */
  ping(): Promise<void>;
}

export type LeaseAnswer =
  | { kind: 'held'; epoch: number }
  | { kind: 'taken' }
  /** Processes of version 0.1.0, which have no lease, work on this store. */
  | { kind: 'oldVersion' };

/** What a leader may lose while a standby still reaches it. */
export type Part = 'slack' | 'gateway';

/** How a leader gives way to a standby that reaches what the leader cannot. */
export interface Handover {
  /** Called in a standby each time that it asks for the lease while the leader cannot reach `part`. */
  onWanted: ((part: Part) => void) | undefined;
  /** The leader cannot reach `part`. True: a standby has offered to take over, and no leader gave way in the last ten minutes. */
  seekSuccessor(part: Part): Promise<boolean>;
  /** This standby reaches `part`. */
  offer(part: Part): Promise<void>;
  /** Notes that this leader gives way: it will release its lease, and no leader gives way again for ten minutes. */
  giveWay(part: Part): Promise<void>;
}

/** The lease of the one process that may write. A store in a file or in memory has one process, which always gets it. */
export interface LeaderLease {
  /** A random id of this process. */
  readonly holder: string;
  /** Absent if there can be no standbys. */
  readonly handover?: Handover;
  /**
   * Takes the lease if it is free or this holder's own, with a higher epoch than any before. The first holder on a store of
   * an older version migrates the store before the promise resolves, which may take minutes.
   * If the store was emptied while another process led, only that process gets the lease within the next `ttlMs`, because
   * only it can write back what was lost.
   * Rejects with `newer` if a newer version has written the store.
   */
  acquire(ttlMs: number): Promise<LeaseAnswer>;
  /**
   * `missing`: the store was emptied, a failover lost the record, the lease had expired, or the answer to this holder's last
   * `acquire` was lost.
   */
  renew(ttlMs: number): Promise<'held' | 'taken' | 'missing'>;
  release(): Promise<void>;
}

export interface Store<Data> {
  readonly kind: 'sqlite' | 'memory' | 'redis';
  /** The Keyv of a namespace, the same at each call. It throws errors instead of swallowing them. */
  keyv(namespace: string): Keyv;
  readonly runs: RunStore<Data>;
  readonly lease: LeaderLease;
  /** Writes a backup beside the file. Absent if the store is no file. Rejects with `StoreError`. */
  readonly backUp?: () => Promise<Backup>;
  /** Closes the connection or the file. */
  close(): Promise<void>;
}
