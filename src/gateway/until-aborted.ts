/**
 * Aborts after `ms`. When this process has stood still, its timers are due before it has read what came meanwhile, so that
 * is read first.
 */
export function timeoutSignal(ms: number): AbortSignal {
  const over = new AbortController();
  setTimeout(() => setImmediate(() => over.abort()), ms).unref();
  return over.signal;
}

/**
 * Settles as `work` does, or rejects once the signal is aborted: with what `onAborted` returns, by default the
 * signal's reason. The work itself is not stopped.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  onAborted: () => unknown = () => signal?.reason,
): Promise<T> {
  if (signal === undefined) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(onAborted());
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
