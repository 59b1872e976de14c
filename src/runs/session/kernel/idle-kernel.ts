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

/** Tells the channel, or the last requester if Slack refuses that. `endsAtMs` is since the epoch. Rejects if nobody could be told. */
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

/**
 * Shuts down a kernel that nobody has used for IDLE_TIMEOUT, after a warning with a Keep button. `onEnded` is called when
 * the kernel is gone or was shut down.
 */
export function createIdleKernel(
  kernel: WatchedKernel,
  isBusy: () => boolean,
  onEnded: () => void,
  deps: IdleDeps,
) {
  let timer: NodeJS.Timeout | undefined;
  let failures = 0;
  let lookedAt = 0;
  /** Starts the timer anew: the kernel was just used or kept, or was read from the store. */
  const watch = (): void => {
    const { record } = kernel;
    if (record === undefined || isBusy()) return;
    failures = 0;
    actIn(next(record).atMs - Date.now());
  };
  const next = (record: KernelRecord): IdleStep => nextIdleStep(record, deps.idleTimeoutMs, lookedAt);
  const actIn = (ms: number): void => {
    clear();
    const waitMs = Math.min(Math.max(0, ms), LONGEST_TIMER_MS);
    timer = setTimeout(() => void act(), waitMs).unref();
  };
  const clear = (): void => {
    clearTimeout(timer);
  };
  const act = async (): Promise<void> => {
    const { record } = kernel;
    if (record === undefined || isBusy()) return;
    try {
      await step(record);
      if (kernel.record === undefined) onEnded();
      watch();
    } catch (error) {
      const { queue } = record;
      deps.log.warn(
        { event: 'kernel.unchecked', err: error, queue },
        'the idle kernel could not be warned of or shut down; this is tried again',
      );
      actIn(Math.min(RETRY_MS * 2 ** failures, LONGEST_RETRY_MS));
      failures += 1;
    }
  };
  const step = async (record: KernelRecord): Promise<void> => {
    const { gateway, notices, log } = deps;
    const { queue, kernelId, kernelspec } = record;
    const isThere = (await gateway.findKernel(kernelId)) !== undefined;
    // The kernel was used, kept or replaced meanwhile.
    if (isBusy() || kernel.record !== record) return;
    const { kind, atMs } = next(record);
    if (atMs > Date.now()) return;
    if (!isThere) {
      await kernel.forget(GONE_NOTE);
      log.info(
        { event: 'kernel.gone', queue, kernel: kernelId },
        'an idle kernel is gone; the next run says so',
      );
    } else if (kind === 'look') lookedAt = Date.now();
    else if (kind === 'warn') {
      const warnedAt = Date.now();
      await notices.warn(record, next({ ...record, warnedAt }).atMs);
      if (kernel.record?.kernelId === kernelId) await kernel.noteWarned(warnedAt);
      log.info(
        { event: 'kernel.warned', queue, kernel: kernelId },
        'the channel of an idle kernel was warned',
      );
    } else {
      await kernel.shutDown(ENDED_NOTE);
      log.info(
        { event: 'kernel.idle', audit: 'idle', queue, kernel: kernelId, kernelspec },
        'an idle kernel was shut down',
      );
      await notices.ended(record, Date.now() - record.lastUsedAt);
    }
  };
  return {
    watch,
    clear,
  };
}

export type IdleKernel = ReturnType<typeof createIdleKernel>;

const ENDED_NOTE =
  'The channel’s kernel was shut down because nobody had used it for long; a new one was started. The variables from before are gone.';
