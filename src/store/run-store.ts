/**
 * The ledger: every accepted run and its state, the order of each queue, and the record of deliveries. A small port
 * beside Keyv, because Keyv has no order and no compare-and-set. Implemented by memory, SQLite and Redis under one
 * contract suite. Every method rejects with `StoreError`.
 */

/** waiting → sending (written before the request is) → sent (the kernel's first message) → ended → posted. */
export type RunState = 'waiting' | 'sending' | 'sent' | 'ended' | 'posted';

/** `Data` is JSON and belongs to runs/: the ledger keeps it and does not look inside. */
export interface RunRecord<Data> {
  /** uuid. */
  readonly id: string;
  readonly workspace: string;
  readonly channel: string;
  /** The thread the answer goes to: the root message's ts; '' until a slash command's root message is posted. */
  readonly thread: string;
  /** The queue this run stands in: one per kernel. */
  readonly lane: string;
  /** Slack user id of who sent, pressed or posted the code. */
  readonly runner: string;
  readonly state: RunState;
  /** Total order of admission over the whole store; smaller came first. */
  readonly order: number;
  /** Bumped by each change. */
  readonly revision: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly data: Data;
}

export interface NewRun<Data> {
  id: string;
  workspace: string;
  channel: string;
  thread: string;
  lane: string;
  runner: string;
  createdAt: number;
  data: Data;
}

export type Admission<Data> =
  /** `ahead`: unfinished runs before it in its lane. */
  | { kind: 'accepted'; run: RunRecord<Data>; ahead: number }
  /** The delivery is known; `runId` is empty when it made no run. */
  | { kind: 'duplicate'; runId: string }
  | { kind: 'laneFull'; unfinished: number }
  | { kind: 'runnerFull'; unfinished: number };

export interface RunChange<Data> {
  state?: RunState;
  thread?: string;
  lane?: string;
  data?: Data;
  updatedAt: number;
}

export interface Lease {
  owner: string;
  /** ms since the epoch. */
  until: number;
}

export interface Ledger<Data> {
  /**
   * One atomic step: a known delivery is a duplicate; over a limit nothing is written; else the delivery and the run
   * (`waiting`, last in its lane) are kept. Unfinished = waiting, sending or sent.
   */
  admit(
    delivery: string,
    run: NewRun<Data>,
    limits: { perLane: number; perRunner: number },
  ): Promise<Admission<Data>>;
  /** Records a delivery that makes no run of its own (a command, a press). True the first time only. */
  claim(delivery: string, atMs: number): Promise<boolean>;
  /** The run that a delivery made ('' = none), or undefined when the delivery is not known. */
  findDelivery(delivery: string): Promise<string | undefined>;
  get(runId: string): Promise<RunRecord<Data> | undefined>;
  /** Compare-and-set on `revision`: the new record, or undefined when somebody else changed or removed it meanwhile. */
  change(run: RunRecord<Data>, change: RunChange<Data>): Promise<RunRecord<Data> | undefined>;
  /** waiting, sending and sent, in order. */
  lane(lane: string): Promise<RunRecord<Data>[]>;
  /** Every run that is not yet posted, in order. */
  unposted(): Promise<RunRecord<Data>[]>;
  /** Runs of a thread, newest first. */
  thread(workspace: string, channel: string, thread: string, limit: number): Promise<RunRecord<Data>[]>;
  /** Runs of a channel, newest first. */
  channel(workspace: string, channel: string, limit: number): Promise<RunRecord<Data>[]>;
  /** Runs of a person, newest first. */
  runner(workspace: string, runner: string, limit: number): Promise<RunRecord<Data>[]>;
  /** Erases a run (its deliveries stay known). */
  remove(runId: string): Promise<void>;
  /** Erases posted runs last changed before `runsBefore`, deliveries older than `deliveriesBefore`. Gives the ids erased. */
  purge(before: { runsBefore: number; deliveriesBefore: number }): Promise<string[]>;

  /** Takes or keeps a lease: free, expired, or already `owner`'s. Gives who holds it afterwards. */
  lease(name: string, owner: string, ttlMs: number, nowMs: number): Promise<Lease>;
  release(name: string, owner: string): Promise<void>;

  /** Tells every process on this store (this one too), at once, at most once, nothing kept. Payload: JSON text ≤ 8 kB. */
  signal(topic: string, payload: string): Promise<void>;
  onSignal(listener: (topic: string, payload: string) => void): () => void;

  /** A cheap round trip; rejects when the store does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
