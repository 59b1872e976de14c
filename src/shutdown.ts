import type { Log } from './log.ts';

/** After SIGTERM the process is gone within this time, whatever still hangs. */
const DRAIN_MS = 9_000;

/** From now on the process ends within {@link DRAIN_MS}: with a line and code 1, where something hangs. */
export function limitDrain(log: Log, exit: (code: number) => void): void {
  setTimeout(() => {
    log.error({ event: 'bot.hung' }, 'something did not end in time; the process ends without it');
    exit(1);
  }, DRAIN_MS).unref();
}

/** What SIGTERM, SIGINT and SIGHUP ask for. */
export interface Shutdown {
  /** Aborted by the first SIGTERM, SIGINT or SIGHUP. */
  signal: AbortSignal;
  stopped: Promise<void>;
  /** From now on there is something to close; until then a signal ends the process at once. */
  begin: (onStop: () => void) => void;
}

export function handleShutdownSignals(): Shutdown {
  const controller = new AbortController();
  const stopped = Promise.withResolvers<void>();
  let onStop: (() => void) | undefined;
  const stop = (): void => {
    if (onStop === undefined) process.exit(0);
    // A second signal changes nothing: one may come to the group and to this process as well.
    if (controller.signal.aborted) return;
    controller.abort();
    onStop();
    stopped.resolve();
  };
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop);
  return {
    signal: controller.signal,
    stopped: stopped.promise,
    begin(then) {
      onStop = then;
    },
  };
}
