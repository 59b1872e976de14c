import type { Gateway } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import { type KernelRecord, GONE_NOTE } from './kernel-record.ts';
import type { SessionKernel } from './session-kernel.ts';

const LONGEST_WARNING_MS = 10 * 60_000;
/** Slack or the gateway is away: an idle kernel is looked after again, later each time. */
const RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 30 * 60_000;
/** The longest that a timer can wait (2^31 − 1 ms): what is due later is looked at meanwhile. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Whether a kernel that never ends for idleness is still there: gateways cull them. */
const LOOK_MS = 24 * 60 * 60_000;

export type IdleStep = { kind: 'warn' | 'end' | 'look'; atMs: number };

/**
 * What is next for a kernel that nobody uses: the warning (10 min before, or at half time), then the end; without an end a
 * look, once a day.
 */
export function nextIdleStep(
  record: Pick<KernelRecord, 'lastUsedAt' | 'warnedAt'>,
  idleTimeoutMs: number | undefined,
  lookedAt = 0,
): IdleStep {
  if (idleTimeoutMs === undefined)
    return { kind: 'look', atMs: Math.max(record.lastUsedAt, lookedAt) + LOOK_MS };
  const endsAt = record.lastUsedAt + idleTimeoutMs;
  const noticeMs = Math.min(LONGEST_WARNING_MS, idleTimeoutMs / 2);
  return record.warnedAt === undefined || record.warnedAt < record.lastUsedAt
    ? { kind: 'warn', atMs: endsAt - noticeMs }
    : // A warning that came late, because the bot or Slack was away, leaves as much time to answer it.
      { kind: 'end', atMs: Math.max(endsAt, record.warnedAt + noticeMs) };
}

/** Tells the channel, or the last requester where Slack refuses; `endsAtMs` since the epoch. Rejects where that is not known. */
export interface IdleNotices {
  warn: (record: KernelRecord, endsAtMs: number) => Promise<void>;
  ended: (record: KernelRecord, idleMs: number) => Promise<void>;
}

export interface IdleDeps {
  gateway: Pick<Gateway, 'findKernel'>;
  notices: IdleNotices;
  idleTimeoutMs: number | undefined;
  log: Log;
}

type WatchedKernel = Pick<SessionKernel, 'record' | 'forget' | 'noteWarned' | 'shutDown'>;

/** Shuts a session's kernel down that nobody used for IDLE_TIMEOUT, after a warning that can be answered with Keep. */
export class IdleKernel {
  readonly #kernel: WatchedKernel;
  readonly #isBusy: () => boolean;
  readonly #onEnded: () => void;
  readonly #deps: IdleDeps;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #lookedAt = 0;

  /** `onEnded`: the kernel is gone, or was shut down. */
  constructor(kernel: WatchedKernel, isBusy: () => boolean, onEnded: () => void, deps: IdleDeps) {
    this.#kernel = kernel;
    this.#isBusy = isBusy;
    this.#onEnded = onEnded;
    this.#deps = deps;
  }

  /** The kernel was used or kept just now, or is known from the store. */
  watch(): void {
    const { record } = this.#kernel;
    if (record === undefined || this.#isBusy()) return;
    this.#failures = 0;
    this.#actIn(this.#next(record).atMs - Date.now());
  }

  #next(record: KernelRecord): IdleStep {
    return nextIdleStep(record, this.#deps.idleTimeoutMs, this.#lookedAt);
  }

  #actIn(ms: number): void {
    this.clear();
    const waitMs = Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => void this.#act(), waitMs).unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  async #act(): Promise<void> {
    const { record } = this.#kernel;
    if (record === undefined || this.#isBusy()) return;
    try {
      await this.#step(record);
      if (this.#kernel.record === undefined) this.#onEnded();
      this.watch();
    } catch (error) {
      const { queue } = record;
      this.#deps.log.warn(
        { event: 'kernel.unchecked', err: error, queue },
        'an idle kernel was not looked after; it is tried again',
      );
      this.#actIn(Math.min(RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS));
      this.#failures += 1;
    }
  }

  async #step(record: KernelRecord): Promise<void> {
    const { gateway, notices, log } = this.#deps;
    const { queue, kernelId, kernelspec } = record;
    const isThere = (await gateway.findKernel(kernelId)) !== undefined;
    // Used, kept or replaced meanwhile: that is the newer fact.
    if (this.#isBusy() || this.#kernel.record !== record) return;
    const step = this.#next(record);
    if (step.atMs > Date.now()) return;
    if (!isThere) {
      await this.#kernel.forget(GONE_NOTE);
      log.info(
        { event: 'kernel.gone', queue, kernel: kernelId },
        'an idle kernel is gone; the next run says so',
      );
    } else if (step.kind === 'look') this.#lookedAt = Date.now();
    else if (step.kind === 'warn') {
      const warnedAt = Date.now();
      await notices.warn(record, this.#next({ ...record, warnedAt }).atMs);
      if (this.#kernel.record?.kernelId === kernelId) await this.#kernel.noteWarned(warnedAt);
      log.info(
        { event: 'kernel.warned', queue, kernel: kernelId },
        'the channel of an idle kernel was warned',
      );
    } else {
      await this.#kernel.shutDown(ENDED_NOTE);
      log.info(
        { event: 'kernel.idle', audit: 'idle', queue, kernel: kernelId, kernelspec },
        'an idle kernel was shut down',
      );
      await notices.ended(record, Date.now() - record.lastUsedAt);
    }
  }
}

const ENDED_NOTE =
  'The channel’s kernel was shut down because nobody had used it for long; a new one was started. The variables from before are gone.';
