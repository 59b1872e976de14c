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

export type Shutdown = ReturnType<typeof handleShutdownSignals>;

/** The shutdown that SIGTERM, SIGINT, SIGHUP or this process itself asks for. */
export function handleShutdownSignals() {
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
    /** Aborted when it begins. */
    signal: controller.signal,
    stopped: stopped.promise,
    /** Does what a signal does. */
    stop,
    /** Until this is called, a signal ends the process at once. After it, a signal calls `then`. */
    begin(then: () => void): void {
      onStop = then;
    },
  };
}
