import type { ConnectionEvent, ConnectOptions, Log } from '../gateway.ts';

/** Tells what happens to a connection; a listener that throws does not break the connection. */
export function createEmit(
  kernelId: string,
  onEvent: ConnectOptions['onEvent'],
  log: Log,
): (event: ConnectionEvent) => void {
  return (event) => {
    try {
      onEvent?.(event);
    } catch (cause) {
      log.error(
        { event: 'connection.event', kernelId, err: cause },
        'an event of a connection could not be taken',
      );
    }
  };
}
