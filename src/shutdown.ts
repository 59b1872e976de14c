import type { Log } from './log.ts';

/** After SIGTERM the process ends within this time, even if something hangs. */
const DRAIN_MS = 9_000;

/** Ends the process after {@link DRAIN_MS} with a log line and code 1, unless it has ended by then. */
export function limitDrain(log: Log, exit: (code: number) => void): void {
  setTimeout(() => {
    log.error({ event: 'bot.hung' }, 'the shutdown took too long, so the process ends now');
    exit(1);
  }, DRAIN_MS).unref();
}

/** The shutdown that SIGTERM, SIGINT, SIGHUP or this process itself asks for. */
export interface Shutdown {
  /** Aborted when it begins. */
  signal: AbortSignal;
  stopped: Promise<void>;
  /** Does what a signal does. */
  stop: () => void;
  /** Until this is called, a signal ends the process at once. After it, a signal calls `onStop`. */
  begin: (onStop: () => void) => void;
}

export function handleShutdownSignals(): Shutdown {
  const controller = new AbortController();
  const stopped = Promise.withResolvers<void>();
  let onStop: (() => void) | undefined;
  const stop = (): void => {
    if (onStop === undefined) process.exit(0);
    // The same signal may reach this process twice, directly and through its process group.
    if (controller.signal.aborted) return;
    controller.abort();
    onStop();
    stopped.resolve();
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop);
  return {
    signal: controller.signal,
    stopped: stopped.promise,
    stop,
    begin(then) {
      onStop = then;
    },
  };
}
