import type { Keyv } from 'keyv';

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
  if (path !== undefined) return { kind: 'sqlite', url: text, path };
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined;
  // The path is the number of a database, or empty.
  if (!/^(\/\d*)?$/.test(url.pathname)) return undefined;
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
 * What outlives the process: the runs, Keyv's namespaces and the leader lease. Memory, SQLite and Redis implement it
 * under one contract suite. Every method rejects with `StoreError`.
 *
 * Every write is one step that the store accepts only while its lease record names this holder and its epoch; another
 * record, or none, refuses with `notLeader`. Reads are open to a standby too.
 */

export interface Backup {
  path: string;
  bytes: number;
  durationMs: number;
}

/** waiting → sending (written before the request is) → running (the kernel's first message) → ended → posted. */
export type RunState = 'waiting' | 'sending' | 'running' | 'ended' | 'posted';

/** `Data` is JSON and belongs to runs/: the store does not look inside. The code is stored beside the record. */
export interface RunRecord<Data> {
  /** uuid. */
  readonly id: string;
  readonly workspace: string;
  readonly channel: string;
  /** ts of the root message, in whose thread the run message is; '' until a slash command's root is posted. */
  readonly thread: string;
  /** Key of the kernel session. */
  readonly queue: string;
  /** Slack user id of who sent, pressed or posted the code. */
  readonly requester: string;
  readonly state: RunState;
  /** Order of acceptance over the whole store; smaller came first. */
  readonly order: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly data: Data;
}

/** A run that is to be accepted, with its code. */
export type NewRun<Data> = Omit<RunRecord<Data>, 'state' | 'order' | 'updatedAt'> & {
  readonly code: readonly string[];
};

/** The request is known: `runId` is the run that it made, '' when it made none. */
export type Acceptance = { kind: 'accepted'; order: number } | { kind: 'duplicate'; runId: string };

/** The runs that were erased, and whether more may be left. */
export interface Purged {
  ids: string[];
  isPartial: boolean;
}

/** The most that one step erases, of runs and of requests. */
export const PURGE_BATCH = 200;

export type RunIndex = 'thread' | 'channel' | 'requester';

export interface RunStore<Data> {
  /** One atomic insert-if-absent of request key, run (`waiting`, last in order) and code. */
  accept(requestKey: string, run: NewRun<Data>): Promise<Acceptance>;
  /** Records a request that makes no run. True the first time only. */
  markSeen(requestKey: string, atMs: number): Promise<boolean>;
  /** What failed may be tried again. */
  forgetRequest(requestKey: string): Promise<void>;
  /** The run that a request made ('' = none), or undefined when the request is not known. */
  findRequest(requestKey: string): Promise<string | undefined>;
  /**
   * Overwrites the whole record, and the code where it is given, in one step. False: the store has no such run (it was
   * erased, or the store was emptied).
   */
  save(run: RunRecord<Data>, code?: readonly string[]): Promise<boolean>;
  /** Writes all of a run back after the store was emptied, at its own place in the order. */
  restore(requestKey: string, run: RunRecord<Data>, code: readonly string[]): Promise<void>;
  get(runId: string): Promise<RunRecord<Data> | undefined>;
  /** The blocks of code, as they were accepted. */
  code(runId: string): Promise<string[] | undefined>;
  /** Every run that is not yet posted, in order. No listing reads code. */
  unposted(): Promise<RunRecord<Data>[]>;
  /** Newest first: of a thread [workspace, channel, thread], a channel [workspace, channel] or [workspace, requester]. */
  newest(index: RunIndex, of: readonly string[], limit: number): Promise<RunRecord<Data>[]>;
  /** Erases run and code; its request stays known. */
  remove(runId: string): Promise<void>;
  /** Erases run, code and request key, so that the very same submission may be repeated. */
  withdraw(runId: string, requestKey: string): Promise<void>;
  /**
   * One short step: erases some of the posted runs last changed before `runsBefore`, with their code, and of the request
   * keys older than `requestsBefore`; a long one would keep everything else waiting.
   */
  purge(before: { runsBefore: number; requestsBefore: number }): Promise<Purged>;
  /** A cheap round trip; rejects when the store does not answer. */
  ping(): Promise<void>;
}

export type LeaseAnswer =
  | { kind: 'held'; epoch: number }
  | { kind: 'taken' }
  /** Processes of 0.1.0, which know no lease, work on this store. */
  | { kind: 'oldVersion' };

/** What a leader may lose alone, while a standby has it. */
export type Part = 'slack' | 'gateway';

/** How a leader gives way to a standby that reaches what it does not. */
export interface Handover {
  /** Told to a standby each time that it asks for the lease while the leader misses `part`. */
  onWanted: ((part: Part) => void) | undefined;
  /** The leader misses `part`: true when a standby has said that it reaches it, and nobody has given way for ten minutes. */
  seekSuccessor(part: Part): Promise<boolean>;
  /** A standby reaches `part`. */
  offer(part: Part): Promise<void>;
  /** Releases the lease; nobody gives way again for ten minutes. */
  giveWay(part: Part): Promise<void>;
}

/** The one lease of the process that may write. A file or memory belongs to one process, which always gets it. */
export interface LeaderLease {
  /** Random id of this process. */
  readonly holder: string;
  /** Absent where there are no standbys. */
  readonly handover?: Handover;
  /**
   * Takes the lease when it is free or this holder's own, with a higher epoch than any before. The first to hold it on a
   * store of an older version brings that to this version before the promise resolves, which may take minutes.
   * A store that was emptied under a leader is left to that one for `ttlMs`: it alone can write back what is lost.
   * Rejects with `refused` on a store of a newer version.
   */
  acquire(ttlMs: number): Promise<LeaseAnswer>;
  /** `missing`: the store was emptied, or a failover lost the record, or the lease had ended. */
  renew(ttlMs: number): Promise<'held' | 'taken' | 'missing'>;
  release(): Promise<void>;
}

export interface Store<Data> {
  readonly kind: 'sqlite' | 'memory' | 'redis';
  /** One Keyv per namespace; the same one each time. It throws instead of swallowing errors. */
  keyv(namespace: string): Keyv;
  readonly runs: RunStore<Data>;
  readonly lease: LeaderLease;
  /** Writes a backup beside the file; only a file needs that. Rejects with `StoreError`. */
  readonly backUp?: () => Promise<Backup>;
  /** Ends the connection or closes the file. */
  close(): Promise<void>;
}
