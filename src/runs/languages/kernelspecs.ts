import { GatewayError } from '../../gateway/errors.ts';
import type { Gateway, Kernelspecs } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import { atMost } from '../../waits.ts';

/** How long a list is used without asking again. */
const FRESH_MS = 60_000;
/** An older one is used where the gateway takes longer than this. */
const BRIEF_MS = 500;
/** A listener waits no longer for a first list: Slack's acknowledgement is due after 3 s. */
const LIST_TIMEOUT_MS = 2_000;

/** What a Jupyter server has unless somebody took it away: taken until a server that was stopped has told its own. */
const ASSUMED: Kernelspecs = {
  default: 'python3',
  list: [{ name: 'python3', displayName: 'Python 3', language: 'python' }],
};

export type KernelspecCache = ReturnType<typeof startKernelspecCache>;

/** Keeps the gateway's kernelspecs at hand, so that reading a snippet costs no request. */
export function startKernelspecCache(gateway: Pick<Gateway, 'readKernelspecs' | 'startServer'>, log: Log) {
  let known: { specs: Kernelspecs; atMs: number } | undefined;
  let listing: Promise<Kernelspecs> | undefined;
  let waking: Promise<void> | undefined;
  const closing = new AbortController();

  const ask = (): Promise<Kernelspecs> => {
    listing ??= gateway
      .readKernelspecs(AbortSignal.any([closing.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]))
      .then((specs) => {
        known = { specs, atMs: performance.now() };
        return specs;
      })
      .finally(() => {
        listing = undefined;
      });
    return listing;
  };

  const askFirst = async (): Promise<Kernelspecs> => {
    try {
      return await ask();
    } catch (error) {
      const isStopped = error instanceof GatewayError && error.code === 'serverStopped';
      if (gateway.startServer === undefined || !isStopped) throw error;
      return ASSUMED;
    }
  };

  return {
    /** The server has not told its list yet. */
    isAssumed: (specs: Kernelspecs): boolean => specs === ASSUMED,
    /** Begins to start a server that is stopped, so that it tells its list. */
    learn(): void {
      waking ??= Promise.resolve(gateway.startServer?.())
        .then(ask)
        .then(() => undefined)
        .catch((cause: unknown) =>
          log.warn({ event: 'kernelspecs.unknown', err: cause }, 'the server tells no kernelspecs'),
        )
        .finally(() => (waking = undefined));
    },
    /**
     * The list, from memory where it is a minute old at most or the gateway gives no other soon. Rejects with
     * `GatewayError` when there is none and none can be had. While a server that can be started is stopped and has told
     * none, the list is assumed.
     */
    async read(): Promise<Kernelspecs> {
      if (known === undefined) return await askFirst();
      const { specs, atMs } = known;
      if (performance.now() - atMs <= FRESH_MS) return specs;
      const asked = ask().catch((error: unknown) => {
        log.warn({ event: 'kernelspecs.stale', err: error }, 'kernelspecs could not be refreshed');
        return specs;
      });
      return (await atMost(asked, BRIEF_MS)) ?? specs;
    },
    /** Asks the gateway now (a name was not found). Falls back to the list in memory. */
    async refresh(): Promise<Kernelspecs> {
      if (known === undefined) return await askFirst();
      return await ask().catch(() => known?.specs ?? Promise.reject(new Error('no kernelspecs')));
    },
    close: (): void => closing.abort(),
  };
}
