import type { Gateway } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import { type KernelRecord, GONE_NOTE } from './kernel-record.ts';
import type { SessionKernel } from './session-kernel.ts';

const LONGEST_WARNING_MS = 10 * 60_000;
/** When Slack or the gateway fails, the step is repeated after this time, and each time later. */
const RETRY_MS = 30_000;
const LONGEST_RETRY_MS = 30 * 60_000;
/** The longest time of a timer (2^31 − 1 ms). A step that is due later is checked before. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** How often to check whether a kernel without an idle timeout still exists: the gateway may have culled it. */
const LOOK_MS = 24 * 60 * 60_000;

export type IdleStep = { kind: 'warn' | 'end' | 'look'; atMs: number };

/**
 * The next step for an idle kernel: the warning (10 min before the end, or at half time), then the end. Without an idle
 * timeout it is a check once a day.
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
    : // A warning that came late still leaves the same time to answer it.
      { kind: 'end', atMs: Math.max(endsAt, record.warnedAt + noticeMs) };
}

/** Takes the Keep button from a warning; `isUsed`: and says that the kernel was used again. Never rejects. */
export type SettleWarning = (isUsed: boolean) => Promise<void>;

/** Tells the channel, or the last requester if Slack refuses that. `endsAtMs` is since the epoch. Rejects if nobody could be told. */
export interface IdleNotices {
  /** Undefined: the warning has no button. */
  warn: (record: KernelRecord, endsAtMs: number) => Promise<SettleWarning | undefined>;
  ended: (record: KernelRecord, idleMs: number) => Promise<void>;
}

export interface IdleDeps {
  gateway: Pick<Gateway, 'findKernel'>;
  notices: IdleNotices;
  idleTimeoutMs: number | undefined;
  log: Log;
}

type WatchedKernel = Pick<SessionKernel, 'record' | 'forget' | 'noteWarned' | 'shutDown'>;

/** Shuts down a kernel that nobody has used for IDLE_TIMEOUT, after a warning with a Keep button. */
export class IdleKernel {
  readonly #kernel: WatchedKernel;
  readonly #isBusy: () => boolean;
  readonly #onEnded: () => void;
  readonly #deps: IdleDeps;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #lookedAt = 0;
  /** The last warning, until its kernel is used, kept or gone. A successor does not know it. */
  #warned: { kernelId: string; settle: SettleWarning | undefined } | undefined;

  /** `onEnded` is called when the kernel is gone or was shut down. */
  constructor(kernel: WatchedKernel, isBusy: () => boolean, onEnded: () => void, deps: IdleDeps) {
    this.#kernel = kernel;
    this.#isBusy = isBusy;
    this.#onEnded = onEnded;
    this.#deps = deps;
  }

  /** Starts the timer anew: the kernel was just used or kept, or was read from the store. */
  watch(): void {
    const { record } = this.#kernel;
    if (record === undefined || this.#isBusy()) return;
    this.#failures = 0;
    const next = this.#next(record);
    if (next.kind === 'warn') this.#settleWarning();
    this.#actIn(next.atMs - Date.now());
  }

  /** Keep was pressed, which replaces the warning. */
  keep(): void {
    this.#warned = undefined;
    this.watch();
  }

  #settleWarning(): void {
    // Another kernel may have taken the place of the one that was lost.
    void this.#warned?.settle?.(this.#kernel.record?.kernelId === this.#warned.kernelId);
    this.#warned = undefined;
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
        'the idle kernel could not be warned of or shut down; this is tried again',
      );
      this.#actIn(Math.min(RETRY_MS * 2 ** this.#failures, LONGEST_RETRY_MS));
      this.#failures += 1;
    }
  }

  async #step(record: KernelRecord): Promise<void> {
    const { gateway, notices, log } = this.#deps;
    const { queue, kernelId, kernelspec } = record;
    const isThere = (await gateway.findKernel(kernelId)) !== undefined;
    // The kernel was used, kept or replaced meanwhile.
    if (this.#isBusy() || this.#kernel.record !== record) return;
    const step = this.#next(record);
    if (step.atMs > Date.now()) return;
    if (!isThere) {
      await this.#kernel.forget(GONE_NOTE);
      this.#settleWarning();
      log.info(
        { event: 'kernel.gone', queue, kernel: kernelId },
        'an idle kernel is gone; the next run says so',
      );
    } else if (step.kind === 'look') this.#lookedAt = Date.now();
    else if (step.kind === 'warn') {
      const warnedAt = Date.now();
      const settle = await notices.warn(record, this.#next({ ...record, warnedAt }).atMs);
      this.#warned = { kernelId, settle };
      if (this.#kernel.record?.kernelId === kernelId) await this.#kernel.noteWarned(warnedAt);
      log.info(
        { event: 'kernel.warned', queue, kernel: kernelId },
        'the channel of an idle kernel was warned',
      );
    } else {
      await this.#kernel.shutDown(ENDED_NOTE);
      log.info({ event: 'kernel.idle', queue, kernel: kernelId, kernelspec }, 'an idle kernel was shut down');
      await notices.ended(record, Date.now() - record.lastUsedAt);
      this.#settleWarning();
    }
  }
}

const ENDED_NOTE =
  'The channel’s kernel was shut down because nobody had used it for long; a new one was started. The variables from before are gone.';
