import type { Log } from '../log.ts';
import type { ChannelKernels } from './channel-kernels.ts';
import type { KernelRecord } from './kernel-record.ts';
import type { LaneLeases } from './lane-leases.ts';

const LONGEST_WARNING_MS = 10 * 60_000;
/** The longest a timer can wait in one go (2^31 − 1 ms). */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Tells the channel; `endsAtMs` since the epoch. */
export interface IdleNotices {
  warn: (record: KernelRecord, endsAtMs: number) => Promise<void>;
  ended: (record: KernelRecord, idleMs: number) => Promise<void>;
}

export interface IdleKernelsOptions {
  kernels: ChannelKernels;
  leases: LaneLeases;
  /** Unfinished runs keep a kernel. */
  isBusy: (lane: string) => Promise<boolean>;
  idleTimeoutMs: number | undefined;
  notices: IdleNotices;
  now?: () => number;
  log: Log;
}

export type IdleStep = { kind: 'warn' | 'end'; atMs: number };

/** What is next for a kernel that nobody uses: the warning (10 min before, or at half time), then the end. */
export function nextIdleStep(
  record: Pick<KernelRecord, 'lastUsedAt' | 'warnedAt'>,
  idleTimeoutMs: number,
): IdleStep {
  const endsAt = record.lastUsedAt + idleTimeoutMs;
  const warnsAt = endsAt - Math.min(LONGEST_WARNING_MS, idleTimeoutMs / 2);
  return record.warnedAt === undefined || record.warnedAt < record.lastUsedAt
    ? { kind: 'warn', atMs: warnsAt }
    : { kind: 'end', atMs: Math.max(endsAt, record.warnedAt) };
}

/** Shuts kernels down that nobody used for IDLE_TIMEOUT, after a warning that can be answered with Keep. */
export class IdleKernels {
  readonly #options: IdleKernelsOptions;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #now: () => number;

  constructor(options: IdleKernelsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Watches every kept kernel of a workspace; after a start, and now and then where others share the store. */
  async watchAll(workspace: string): Promise<void> {
    if (this.#options.idleTimeoutMs === undefined) return;
    for (const record of await this.#options.kernels.list(workspace)) this.watch(record);
  }

  /** The kernel was used (or kept) just now, or found at the start. */
  watch(record: KernelRecord): void {
    const { idleTimeoutMs, log } = this.#options;
    if (idleTimeoutMs === undefined) return;
    clearTimeout(this.#timers.get(record.lane));
    const { atMs } = nextIdleStep(record, idleTimeoutMs);
    const waitMs = Math.min(Math.max(0, atMs - this.#now()), LONGEST_TIMER_MS);
    const act = (): void => {
      this.#timers.delete(record.lane);
      this.#act(record.lane, idleTimeoutMs).catch((error: unknown) =>
        log.warn({ err: error, lane: record.lane }, 'an idle kernel was not looked after'),
      );
    };
    this.#timers.set(record.lane, setTimeout(act, waitMs).unref());
  }

  /** Somebody pressed Keep: the time begins anew. False when that kernel is not there any more. */
  async keep(lane: string, kernelId: string): Promise<boolean> {
    const record = await this.#options.kernels.find(lane);
    if (record?.kernelId !== kernelId) return false;
    this.watch(await this.#options.kernels.note(record, { lastUsedAt: this.#now() }));
    return true;
  }

  async #act(lane: string, idleTimeoutMs: number): Promise<void> {
    const { kernels, leases, isBusy, notices, log } = this.#options;
    const record = await kernels.find(lane);
    if (record === undefined) return;
    const step = nextIdleStep(record, idleTimeoutMs);
    if (step.atMs > this.#now()) return this.watch(record);
    // At work, or in another process's hands: the end of its run, or that process, sees to it.
    if ((await isBusy(lane)) || !(await leases.hold(lane))) return;
    if (step.kind === 'warn') {
      const warned = await kernels.note(record, { warnedAt: this.#now() });
      const end = nextIdleStep(warned, idleTimeoutMs);
      await notices.warn(warned, end.atMs);
      this.watch(warned);
    } else {
      await kernels.shutDown(record);
      log.info(
        { audit: 'idle', lane, kernel: record.kernelId, kernelspec: record.kernelspec },
        'an idle kernel was shut down',
      );
      await notices.ended(record, this.#now() - record.lastUsedAt);
    }
    if (!kernels.isConnected(lane)) await leases.drop(lane);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
