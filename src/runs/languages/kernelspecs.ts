import { GatewayError } from '../../gateway/errors.ts';
import type { Gateway, Kernelspecs } from '../../gateway/gateway.ts';
import type { Log } from '../../log.ts';
import { atMost } from '../../waits.ts';

/** How long a list counts as fresh. */
const FRESH_MS = 60_000;
/** How long a read waits for the gateway before it uses an older list. */
const BRIEF_MS = 500;
/** The time limit of a request, because Slack's acknowledgement is due after 3 s. */
const LIST_TIMEOUT_MS = 2_000;

/** Every Jupyter server has this unless somebody removed it. It is assumed until a stopped server runs and lists its own. */
const ASSUMED: Kernelspecs = {
  default: 'python3',
  list: [{ name: 'python3', displayName: 'Python 3', language: 'python' }],
};

export type KernelspecCache = ReturnType<typeof startKernelspecCache>;

/** Caches the gateway's kernelspecs, so that reading a snippet usually needs no request. Ends with `closing`. */
export function startKernelspecCache(
  gateway: Pick<Gateway, 'readKernelspecs' | 'startServer'>,
  closing: AbortSignal,
  log: Log,
) {
  let known: { specs: Kernelspecs; atMs: number } | undefined;
  let listing: Promise<Kernelspecs> | undefined;
  let waking: Promise<void> | undefined;

  const ask = (): Promise<Kernelspecs> => {
    listing ??= gateway
      .readKernelspecs(AbortSignal.any([closing, AbortSignal.timeout(LIST_TIMEOUT_MS)]))
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
    /** Whether this is the assumed list, because the server is stopped. */
    isAssumed: (specs: Kernelspecs): boolean => specs === ASSUMED,
    /** Starts a stopped server in the background, and then reads its list. */
    learn(): void {
      waking ??= Promise.resolve(gateway.startServer?.())
        .then(ask)
        .then(() => undefined)
        .catch((cause: unknown) =>
          log.warn({ event: 'kernelspecs.unknown', err: cause }, 'the server lists no kernelspecs'),
        )
        .finally(() => (waking = undefined));
    },
    /**
     * The list, from memory if it is fresh or the gateway is slow. If a server that can be started is stopped and its list is
     * not known yet, it is assumed. Rejects with `GatewayError` if no list can be had.
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
    /** Asks the gateway now, because a name was not found. Falls back to the list in memory. */
    async refresh(): Promise<Kernelspecs> {
      if (known === undefined) return await askFirst();
      const { specs } = known;
      return await ask().catch(() => specs);
    },
  };
}
