import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings, KernelModel, Log, StartKernel } from '../gateway.ts';
import type { HubServer } from '../hub/hub-server.ts';
import type { GatewayTimings } from '../timings.ts';
import { Turns } from '../turns.ts';
import { untilAborted } from '../until-aborted.ts';
import { type Answer, isGatewayAway, mayBeFromHub, readReason, readRefusal } from './http-errors.ts';
import { kernelModel, type KernelsApi, type PostKernel, readAnswer } from './kernels-api.ts';

/** Who is told of the kernels that a start may leave behind. */
type Leaver = Pick<StartKernel, 'release' | 'onLost'>;

/**
 * `POST api/kernels`, in turns, because gateways leak one start's env into another (protocol.md §1.3). A start that is
 * given up, or whose response is lost, leaves no kernel behind if the gateway uses the chosen id.
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
  readonly #searches = new Map<string, { stop: () => void; done: Promise<unknown> }>();
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
    // From now on a kernel with this id belongs to this start; a deletion still on its way would hit it.
    const search = this.#searches.get(start.kernelId);
    search?.stop();
    await search?.done;
    const done = await this.#turns.take(start).catch(() => undefined);
    if (done === undefined) throw givenUp();
    // The turn lasts until the gateway has answered, even if the caller has stopped waiting.
    const posted = this.#post(start).finally(done);
    if (start.signal === undefined) return posted;
    return untilAborted(posted, start.signal, () => {
      this.#note(start.kernelId, true, start);
      // A start that fails after it was given up has begun a search, if there may be a kernel.
      void posted
        .then(({ id }) => this.search(id, start))
        .catch(() => undefined)
        .finally(() => this.#searches.has(start.kernelId) || this.#note(start.kernelId, false, start));
      return givenUp();
    });
  }

  /** Ends all searches. */
  close(): void {
    this.#isClosed = true;
    for (const search of this.#searches.values()) search.stop();
  }

  async #post(start: StartKernel): Promise<KernelModel> {
    const { kernelId } = start;
    const body = {
      ...this.#startBody,
      name: start.kernelspec,
      // Kernel Gateway 3 reads `kernel_id`, Enterprise Gateway `KERNEL_ID` (protocol.md §1.3).
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
    if (answer.status >= 200 && answer.status < 300) return readAnswer(answer, kernelModel, 'a new kernel');
    if (answer.status >= 500 && !isOfGateway(answer)) this.search(kernelId, start);
    throw await this.#readFailure(answer, start.kernelspec);
  }

  async #postOnce(start: StartKernel, body: PostKernel): Promise<Answer> {
    const until = AbortSignal.any([start.signal, start.release].filter((each) => each !== undefined));
    if (until.aborted) throw givenUp();
    try {
      return await this.#api.postKernel(body, this.#launchTimeoutMs + this.#timings.startPadMs, until);
    } catch (failure) {
      // With a status the POST did not reach the gateway.
      if (failure instanceof GatewayError && failure.code === 'unreachable' && failure.status === undefined)
        this.search(start.kernelId, start);
      throw failure;
    }
  }

  /** True if the response came in place of a stopped server that now runs: nothing was started. */
  async #untilServerRuns(answer: Answer, { onServer }: StartKernel): Promise<boolean> {
    if (this.#hub === undefined || answer.status !== 424) return false;
    await this.#hub.start(onServer);
    onServer?.(undefined);
    return true;
  }

  /**
   * Finds the kernel of an earlier start with this id that a crash interrupted: Kernel Gateway 2 would start a second
   * one and orphan the first.
   */
  async #findStarted(kernelId: string): Promise<KernelModel | undefined> {
    try {
      return await this.#api.findKernel(kernelId);
    } catch (failure) {
      if (failure instanceof GatewayError && failure.code === 'unreachable') throw failure;
      return undefined;
    }
  }

  /**
   * The error for a refused start: limits and users as `refused`, the rest as `startFailed` with the gateway's reason.
   */
  async #readFailure(answer: Answer, kernelspec: string): Promise<GatewayError> {
    const { status } = answer;
    const reason = readReason(answer);
    // A hub's response to a POST in place of a stopped server looks like a refusal.
    if (mayBeFromHub(answer)) {
      const failure = await this.#api.readKernelspecs().catch((error: unknown) => error);
      if (failure instanceof GatewayError && failure.code === 'serverStopped') return failure;
    }
    if (status === 500) {
      // An unknown name causes an unhandled error on every version (protocol.md §1.2, trap 10).
      const specs = await this.#api.readKernelspecs().catch(() => undefined);
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
  }

  /** Begins to search for the kernel of a start that was lost or given up: it may exist or still appear. */
  search(kernelId: string, leaver: Leaver): void {
    const { release } = leaver;
    if (this.#isClosed || release?.aborted === true) return;
    // It begins anew, because the kernel may just have come up.
    const earlier = this.#searches.get(kernelId);
    earlier?.stop();
    const over = new AbortController();
    const stop = () => over.abort();
    release?.addEventListener('abort', stop, { once: true });
    this.#note(kernelId, true, leaver);
    const done = Promise.all([this.#removeLost(kernelId, over.signal), earlier?.done]).finally(() => {
      release?.removeEventListener('abort', stop);
      if (this.#searches.get(kernelId)?.stop !== stop) return;
      this.#searches.delete(kernelId);
      this.#note(kernelId, false, leaver);
    });
    this.#searches.set(kernelId, { stop, done });
  }

  /** If this process ends, what was noted stays for another. */
  #note(kernelId: string, isLost: boolean, { release, onLost }: Leaver): void {
    if (!this.#isClosed && release?.aborted !== true) onLost?.(kernelId, isLost);
  }

  /**
   * Deletes the kernel of a start that was lost or given up. The id is a new UUID, so a kernel with it is ours until the
   * start is repeated. Kernel Gateway 2 chooses its own id, so nothing can be cleaned up there and only a log line is
   * written.
   */
  async #removeLost(kernelId: string, over: AbortSignal): Promise<void> {
    let until = performance.now() + this.#launchTimeoutMs;
    // Without an answer nothing is known, so the search goes on, and its time begins anew.
    for (let isKnown = false; !isKnown || performance.now() < until;) {
      try {
        if (await this.#api.deleteKernel(kernelId))
          return this.#log.info(
            { event: 'kernel.deleted', kernelId },
            'deleted a kernel whose start was not answered or given up',
          );
        isKnown = true;
      } catch (failure) {
        const { status, code } = failure instanceof GatewayError ? failure : {};
        isKnown = status !== undefined && code !== 'unreachable';
        if (!isKnown) until = performance.now() + this.#launchTimeoutMs;
        this.#log.debug(
          { event: 'kernel.unseen', err: failure, kernelId },
          'could not look for a kernel whose start was not answered or given up',
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
