import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings, KernelModel, Log, StartKernel } from '../gateway.ts';
import type { HubServer } from '../hub/hub-server.ts';
import type { GatewayTimings } from '../timings.ts';
import { Turns } from '../turns.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Answer, isGatewayAway, mayBeHubs, readReason, readRefusal } from './http-errors.ts';
import { type KernelsApi, type PostKernel, readKernelModel } from './kernels-api.ts';

/**
 * `POST api/kernels`, in turns (gateways leak one start's env into another, protocol.md §1.3). A start that the caller
 * gives up, or whose answer is lost, leaves no kernel behind where the gateway honours chosen ids.
 */
export class KernelStarts {
  readonly #api: KernelsApi;
  readonly #hub: HubServer | undefined;
  readonly #turns: Turns;
  readonly #timings: GatewayTimings;
  readonly #launchTimeoutMs: number;
  readonly #startBody: Readonly<Record<string, unknown>>;
  readonly #log: Log;
  /** Searches for kernels whose start was not answered, by kernel id. */
  readonly #searches = new Map<string, { stop: () => void; done: Promise<void> }>();
  #isClosed = false;

  constructor(
    api: KernelsApi,
    hub: HubServer | undefined,
    settings: Pick<GatewaySettings, 'startConcurrency' | 'launchTimeoutMs' | 'startBody'>,
    timings: GatewayTimings,
    log: Log,
  ) {
    this.#api = api;
    this.#hub = hub;
    this.#turns = new Turns(settings.startConcurrency);
    this.#launchTimeoutMs = settings.launchTimeoutMs;
    this.#startBody = settings.startBody ?? {};
    this.#timings = timings;
    this.#log = log;
  }

  async start(start: StartKernel): Promise<KernelModel> {
    // From now on a kernel under this id is this start's; a deletion on its way would meet it.
    const search = this.#searches.get(start.kernelId);
    search?.stop();
    await search?.done;
    const done = await this.#turns.take(start).catch(() => undefined);
    if (done === undefined) throw givenUp();
    // The turn lasts until the gateway has answered, also when the caller does not wait for it any more.
    const posted = this.#post(start).finally(done);
    if (start.signal === undefined) return posted;
    return untilAborted(posted, start.signal, () => {
      posted
        .then((model) => (start.release?.aborted === true ? undefined : this.#api.deleteKernel(model.id)))
        .catch((failure: unknown) => {
          this.#log.warn(
            { event: 'kernel.leftover', err: failure, kernelId: start.kernelId },
            'a given up start was not cleaned up',
          );
        });
      return givenUp();
    });
  }

  /** Ends the searches for kernels whose start was not answered. */
  close(): void {
    this.#isClosed = true;
    for (const search of this.#searches.values()) search.stop();
  }

  async #post(start: StartKernel): Promise<KernelModel> {
    const { kernelId } = start;
    const body = {
      ...this.#startBody,
      name: start.kernelspec,
      // Kernel Gateway 3 reads the first, Enterprise Gateway the second (protocol.md §1.3).
      kernel_id: kernelId,
      env: {
        KERNEL_LAUNCH_TIMEOUT: String(Math.ceil(this.#launchTimeoutMs / 1000)),
        ...start.env,
        KERNEL_ID: kernelId,
      },
    };
    const there = start.isRepeated === true ? await this.#findStarted(kernelId) : undefined;
    if (there !== undefined) return there;
    let answer = await this.#postOnce(start, body);
    if (await this.#untilServerRuns(answer, start)) answer = await this.#postOnce(start, body);
    if (answer.status >= 200 && answer.status < 300) return readKernelModel(answer);
    if (isGatewayAway(answer.status) && readReason(answer) === '') this.#search(start);
    throw await this.#readFailure(answer, start.kernelspec);
  }

  async #postOnce(start: StartKernel, body: PostKernel): Promise<Answer> {
    try {
      return await this.#api.postKernel(body, this.#launchTimeoutMs + this.#timings.startPadMs);
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'unreachable') this.#search(start);
      throw failure;
    }
  }

  /** True where the answer came in place of a server that was stopped, and it runs now: nothing was started. */
  async #untilServerRuns(answer: Answer, { onServer, signal, release }: StartKernel): Promise<boolean> {
    if (this.#hub === undefined || answer.status !== 424) return false;
    await this.#hub.start(onServer);
    if (signal?.aborted === true || release?.aborted === true) throw givenUp();
    onServer?.(undefined);
    return true;
  }

  /**
   * The kernel of an earlier start under this id, which a crash cut short: Kernel Gateway 2 would start a second one, and
   * leave the first to nobody.
   */
  async #findStarted(kernelId: string): Promise<KernelModel | undefined> {
    try {
      return await this.#api.findKernel(kernelId);
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'unreachable') throw failure;
      return undefined;
    }
  }

  /** Why a start was refused: limits and users as `refused`, the rest as `startFailed` with the gateway's own reason. */
  async #readFailure(answer: Answer, kernelspec: string): Promise<GatewayError> {
    const { status } = answer;
    const reason = readReason(answer);
    // What a hub says to a POST in place of a server that is stopped looks like a refusal.
    if (mayBeHubs(answer)) {
      const failure = await this.#api.readKernelspecs().catch((error: unknown) => error);
      if (failure instanceof GatewayError && failure.code === 'serverStopped') return failure;
    }
    if (status === 500) {
      // An unknown name is an unhandled error on every version (protocol.md §1.2, trap 10).
      const specs = await this.#api.readKernelspecs().catch(() => undefined);
      if (specs !== undefined && !specs.list.some((spec) => spec.name === kernelspec))
        return new GatewayError('startFailed', `The gateway has no kernelspec named ${kernelspec}`, {
          status,
        });
    }
    // 503 with words is Enterprise Gateway's own: the cluster has no resources; without words it is a proxy's.
    if (status === 500 || (status === 503 && reason !== '')) {
      const why = reason === '' ? 'it gives no reason' : reason;
      return new GatewayError('startFailed', `The gateway could not start ${kernelspec}: ${why}`, { status });
    }
    return readRefusal(answer, `to start ${kernelspec}`);
  }

  /** Begins to look for the kernel of a start whose answer was lost: it may be there or still come. */
  #search({ kernelId, release }: StartKernel): void {
    if (this.#isClosed || release?.aborted === true) return;
    const over = new AbortController();
    const stop = () => over.abort();
    release?.addEventListener('abort', stop, { once: true });
    const done = this.#removeLost(kernelId, over.signal).finally(() => {
      release?.removeEventListener('abort', stop);
      this.#searches.delete(kernelId);
    });
    this.#searches.set(kernelId, { stop, done });
  }

  /**
   * The chosen id is a fresh uuid, so a kernel under it is ours until the start is repeated; Kernel Gateway 2 chooses its
   * own and cannot be cleaned up, which is logged.
   */
  async #removeLost(kernelId: string, over: AbortSignal): Promise<void> {
    const until = performance.now() + this.#launchTimeoutMs;
    while (performance.now() < until) {
      try {
        if (await this.#api.deleteKernel(kernelId))
          return this.#log.info(
            { event: 'kernel.deleted', kernelId },
            'deleted a kernel whose start was not answered',
          );
      } catch (failure) {
        this.#log.debug(
          { event: 'kernel.unseen', err: failure, kernelId },
          'cannot look for a kernel whose start was not answered',
        );
      }
      const wait = this.#timings.lostStartLookMs;
      await delay(wait, undefined, { signal: over, ref: false }).catch(() => undefined);
      if (over.aborted) return;
    }
    const words =
      'a start was not answered and no kernel is found under its id; the gateway may keep an orphan';
    this.#log.warn({ event: 'kernel.unanswered', kernelId }, words);
  }
}

function givenUp(): GatewayError {
  return new GatewayError('startFailed', 'The start was given up before the gateway answered');
}
