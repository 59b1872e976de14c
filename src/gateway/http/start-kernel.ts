import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings, KernelModel, Log, StartKernel } from '../gateway.ts';
import type { HubServer } from '../hub/hub-server.ts';
import type { GatewayTimings } from '../timings.ts';
import { Turns, untilAborted } from '../waits.ts';
import { type Answer, isGatewayAway, mayBeFromHub, readReason, readRefusal } from './http-errors.ts';
import { type KernelsApi, type PostKernel, readKernelModel } from './kernels-api.ts';

/**
 * `POST api/kernels`, in turns, because gateways leak one start's env into another (protocol.md §1.3). A start that is
 * given up, or whose response is lost, leaves no kernel behind if the gateway uses the chosen id.
 */
export function createKernelStarts(
  api: KernelsApi,
  hub: HubServer | undefined,
  settings: Pick<GatewaySettings, 'startConcurrency' | 'launchTimeoutMs' | 'startBody'>,
  timings: GatewayTimings,
  log: Log,
) {
  /** Searches for kernels whose start was not answered, by kernel id. */
  const searches = new Map<string, { stop: () => void; done: Promise<void> }>();
  let isClosed = false;
  const turns = new Turns(settings.startConcurrency);
  const { launchTimeoutMs, startBody = {} } = settings;
  const post = async (start: StartKernel): Promise<KernelModel> => {
    const { kernelId } = start;
    const body = {
      ...startBody,
      name: start.kernelspec,
      // Kernel Gateway 3 reads `kernel_id`, Enterprise Gateway `KERNEL_ID` (protocol.md §1.3).
      kernel_id: kernelId,
      env: {
        KERNEL_LAUNCH_TIMEOUT: String(Math.ceil(launchTimeoutMs / 1000)),
        ...start.env,
        KERNEL_ID: kernelId,
      },
    };
    const there = start.isRepeated === true ? await findStarted(kernelId) : undefined;
    if (there !== undefined) return there;
    let answer = await postOnce(start, body);
    if (await untilServerRuns(answer, start)) answer = await postOnce(start, body);
    if (answer.status >= 200 && answer.status < 300) return readKernelModel(answer);
    if (answer.status >= 500 && !isOfGateway(answer)) search(kernelId, start.release);
    throw await readFailure(answer, start.kernelspec);
  };
  const postOnce = async (start: StartKernel, body: PostKernel): Promise<Answer> => {
    try {
      return await api.postKernel(body, launchTimeoutMs + timings.startPadMs);
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'unreachable')
        search(start.kernelId, start.release);
      throw failure;
    }
  };
  /** True if the response came in place of a stopped server that now runs: nothing was started. */
  const untilServerRuns = async (
    answer: Answer,
    { onServer, signal, release }: StartKernel,
  ): Promise<boolean> => {
    if (hub === undefined || answer.status !== 424) return false;
    await hub.start(onServer);
    if (signal?.aborted === true || release?.aborted === true) throw givenUp();
    onServer?.(undefined);
    return true;
  };
  /**
   * Finds the kernel of an earlier start with this id that a crash interrupted: Kernel Gateway 2 would start a second
   * one and orphan the first.
   */
  const findStarted = async (kernelId: string): Promise<KernelModel | undefined> => {
    try {
      return await api.findKernel(kernelId);
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'unreachable') throw failure;
      return undefined;
    }
  };
  /**
   * The error for a refused start: limits and users as `refused`, the rest as `startFailed` with the gateway's reason.
   */
  const readFailure = async (answer: Answer, kernelspec: string): Promise<GatewayError> => {
    const { status } = answer;
    const reason = readReason(answer);
    // A hub's response to a POST in place of a stopped server looks like a refusal.
    if (mayBeFromHub(answer)) {
      const failure = await api.readKernelspecs().catch((error: unknown) => error);
      if (failure instanceof GatewayError && failure.code === 'serverStopped') return failure;
    }
    if (status === 500) {
      // An unknown name causes an unhandled error on every version (protocol.md §1.2, trap 10).
      const specs = await api.readKernelspecs().catch(() => undefined);
      if (specs !== undefined && !specs.list.some((spec) => spec.name === kernelspec))
        return new GatewayError('startFailed', `The gateway has no kernelspec named ${kernelspec}`, {
          status,
        });
    }
    if ((status >= 500 && !isGatewayAway(status)) || isOfGateway(answer)) {
      const why = reason === '' ? 'it gives no reason' : reason;
      return new GatewayError('startFailed', `The gateway could not start ${kernelspec}: ${why}`, { status });
    }
    return readRefusal(answer, `to start ${kernelspec}`);
  };
  /** Begins to search for the kernel of a start that was lost or given up: it may exist or still appear. */
  const search = (kernelId: string, release: AbortSignal | undefined): void => {
    if (isClosed || release?.aborted === true) return;
    const over = new AbortController();
    const stop = () => over.abort();
    release?.addEventListener('abort', stop, { once: true });
    const done = removeLost(kernelId, over.signal).finally(() => {
      release?.removeEventListener('abort', stop);
      searches.delete(kernelId);
    });
    searches.set(kernelId, { stop, done });
  };
  /**
   * Deletes the kernel of a start that was lost or given up. The id is a new UUID, so a kernel with it is ours until the
   * start is repeated. Kernel Gateway 2 chooses its own id, so nothing can be cleaned up there and only a log line is
   * written.
   */
  const removeLost = async (kernelId: string, over: AbortSignal): Promise<void> => {
    let until = performance.now() + launchTimeoutMs;
    // Without an answer nothing is known, so the search goes on, and its time begins anew.
    for (let isKnown = false; !isKnown || performance.now() < until;) {
      try {
        if (await api.deleteKernel(kernelId))
          return log.info(
            { event: 'kernel.deleted', kernelId },
            'deleted a kernel whose start was not answered or given up',
          );
        isKnown = true;
      } catch (failure) {
        const { status, code } = failure instanceof GatewayError ? failure : {};
        isKnown = status !== undefined && code !== 'unreachable';
        if (!isKnown) until = performance.now() + launchTimeoutMs;
        log.debug(
          { event: 'kernel.unseen', err: failure, kernelId },
          'could not look for a kernel whose start was not answered or given up',
        );
      }
      const wait = timings.lostStartLookMs;
      await delay(wait, undefined, { signal: over, ref: false }).catch(() => undefined);
      if (over.aborted) return;
    }
    const words =
      'a start was not answered and no kernel is found under its id; the gateway may keep an orphan';
    log.warn({ event: 'kernel.unanswered', kernelId }, words);
  };
  return {
    async start(start: StartKernel): Promise<KernelModel> {
      // From now on a kernel with this id belongs to this start; a deletion still on its way would hit it.
      const earlier = searches.get(start.kernelId);
      earlier?.stop();
      await earlier?.done;
      const done = await turns.take(start).catch(() => undefined);
      if (done === undefined) throw givenUp();
      // The turn lasts until the gateway has answered, even if the caller has stopped waiting.
      const posted = post(start).finally(done);
      if (start.signal === undefined) return posted;
      return untilAborted(posted, start.signal, () => {
        // A start that fails after it was given up has begun a search, if there may be a kernel.
        void posted.then(
          ({ id }) => search(id, start.release),
          () => undefined,
        );
        return givenUp();
      });
    },
    /** Ends all searches. */
    close(): void {
      isClosed = true;
      for (const { stop } of searches.values()) stop();
    },
  };
}

/**
 * Whether the gateway itself says why it could not start a kernel; 503: the cluster has no resources. A proxy that has
 * stopped waiting answers with 504, in HTML or JSON, and Knox with a page and 500.
 */
function isOfGateway(answer: Answer): boolean {
  return (answer.status === 500 || answer.status === 503) && readReason(answer) !== '';
}

function givenUp(): GatewayError {
  return new GatewayError('startFailed', 'The start was given up before the gateway answered');
}
