import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { GatewaySettings, KernelModel, Kernelspecs } from '../gateway.ts';
import { readJson } from '../protocol/json.ts';
import type { GatewayTimings } from '../timings.ts';
import {
  type Answer,
  gatewayAway,
  isPage,
  isRefusedCredential,
  kernelGone,
  readReason,
  readRefusal,
} from './http-errors.ts';
import type { Http, HttpCall } from './http.ts';

/**
 * One function per REST call of the Kernel Gateway; responses are validated. Source: protocol.md §1.1. All reject with
 * `GatewayError`.
 */
export type KernelsApi = ReturnType<typeof createKernelsApi>;

export interface PostKernel {
  readonly [more: string]: unknown;
  name: string;
  kernel_id: string;
  env: Readonly<Record<string, string>>;
}

/** Kernel Gateway 3 cannot delete a kernel that it is just restarting, and a proxy answers in its place for a moment. */
const DELETIONS = 3;

/** So many of a proxy's pages in place of a 404, with the gateway's answers between them, count as the gateway's own. */
const PAGES = 4;

export const kernelModel = z
  .object({
    id: z.string().min(1),
    name: z.string(),
    execution_state: z.string().default('unknown'),
    connections: z.number().nullish(),
    reason: z.string().nullish(),
  })
  .transform((model): KernelModel => ({
    id: model.id,
    name: model.name,
    executionState: model.execution_state,
    connections: model.connections ?? undefined,
    reason: model.reason === '' ? undefined : (model.reason ?? undefined),
  }));

/** No name is longer, and users of the value need no limit of their own. */
const WORD_CHARS = 500;
/** Empty if it is missing or not a string. */
const word = z
  .string()
  .transform((said) => said.slice(0, WORD_CHARS))
  .catch('');

const kernelspecs = z
  .object({
    default: word,
    kernelspecs: z.record(
      z.string(),
      // A kernelspec with missing fields can still be started, and must not hide the others.
      z
        .object({ spec: z.object({ display_name: word, language: word }) })
        .catch({ spec: { display_name: '', language: '' } }),
    ),
  })
  .transform((answer): Kernelspecs => ({
    default: answer.default,
    list: Object.entries(answer.kernelspecs).map(([name, { spec }]) => ({
      name,
      displayName: spec.display_name === '' ? name : spec.display_name,
      language: spec.language,
    })),
  }));

const gatewayInfo = z
  .object({ version: z.string(), gateway_version: z.string().optional() })
  .transform(({ version, gateway_version: gatewayVersion }) => ({ version, gatewayVersion }));

export function createKernelsApi(
  http: Http,
  { kernelsPath = 'api/kernels', kernelspecsPath = 'api/kernelspecs', hub }: GatewaySettings,
  timings: GatewayTimings,
) {
  const kernelPath = (kernelId: string): string => `${kernelsPath}/${encodeURIComponent(kernelId)}`;
  const get = (path: string, signal: AbortSignal | undefined, kernelId?: string): Promise<Answer> =>
    http.call({ method: 'GET', path, timeoutMs: timings.callMs, signal, ...(kernelId && { kernelId }) });
  const callKernel = (
    method: HttpCall['method'],
    kernelId: string,
    more: Pick<HttpCall, 'timeoutMs' | 'signal'>,
    action = '',
  ): Promise<Answer> => http.call({ method, path: `${kernelPath(kernelId)}${action}`, kernelId, ...more });

  /** The hub says that the server is stopped, and its kernels with it. Without a hub a 424 proves nothing. */
  const isStopped = ({ status }: Answer): boolean => status === 424 && hub !== undefined;

  /**
   * The kernel's model; undefined if there is no such kernel. A proxy may put its own page in place of each 404. Then the
   * gateway's list tells, if it has one. Without it such pages count only `after404`: another call about this kernel was
   * answered 404 or 500, so it is not the route that is missing.
   */
  async function findKernel(
    kernelId: string,
    signal?: AbortSignal,
    after404 = false,
  ): Promise<KernelModel | undefined> {
    const look = () => callKernel('GET', kernelId, { timeoutMs: timings.callMs, signal });
    let answer = await look();
    if (answer.status === 404 && !isMissingKernel(answer)) {
      const listed = await listKernels(signal, kernelId).catch(() => undefined);
      if (listed !== undefined) return listed.find(({ id }) => id === kernelId);
      answer = await pastPages(look, signal);
    }
    if (isMissingKernel(answer) || isStopped(answer) || (after404 && answer.status === 404)) return undefined;
    return readAnswer(answer, kernelModel, 'a kernel');
  }

  /**
   * Repeats a call that a proxy answers with its own 404: while the gateway is replaced, all or some of the proxy's replicas
   * answer so to every request. Rejects if the gateway does not answer, or if `signal` is aborted between two calls.
   */
  async function pastPages(call: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
    for (let page = 1; ; page += 1) {
      const answer = await call();
      if (answer.status !== 404 || isMissingKernel(answer) || page === PAGES) return answer;
      if (page > 1) await delay(timings.shutdownLookMs, undefined, { signal }).catch(() => undefined);
      const isThere = await get(kernelspecsPath, signal).then(isSuccess, () => false);
      // With the status, because nothing reached the gateway.
      if (!isThere || signal?.aborted === true) throw gatewayAway(404);
    }
  }

  /** After a call about this kernel that was answered 404 or 500. */
  const isGone = async (kernelId: string) => (await findKernel(kernelId, undefined, true)) === undefined;

  async function readInfo(signal?: AbortSignal) {
    return readAnswer(await get('api', signal), gatewayInfo, 'its version');
  }

  async function readKernelspecs(signal?: AbortSignal): Promise<Kernelspecs> {
    return readAnswer(await get(kernelspecsPath, signal), kernelspecs, 'its kernelspecs');
  }

  /** `kernelId`: of the replica that has this kernel. */
  async function listKernels(signal?: AbortSignal, kernelId?: string): Promise<KernelModel[] | undefined> {
    const answer = await get(kernelsPath, signal, kernelId);
    // Kernel and Enterprise Gateway forbid listing by default (protocol.md §1.1); there a bad token is a 401.
    if (answer.status === 403) {
      // Jupyter Server answers a bad token with 403 too, but on every path.
      readAnswer(await get(kernelspecsPath, signal), kernelspecs, 'its kernelspecs');
      return undefined;
    }
    return readAnswer(answer, z.array(kernelModel), 'its kernels');
  }

  /** Only the POST; callers use `KernelStarts`. Once `givenUp` is aborted, it is not repeated. */
  async function postKernel(body: PostKernel, timeoutMs: number, givenUp: AbortSignal): Promise<Answer> {
    const post = () => http.call({ method: 'POST', path: kernelsPath, body, timeoutMs });
    const answer = await pastPages(post, givenUp);
    const started = kernelModel.safeParse(readJson(answer.body)).data;
    if (started !== undefined) http.assign(started.id, answer);
    return answer;
  }

  /** True if the kernel was there and this deleted it; false if it was not, as far as is known. */
  async function deleteKernel(kernelId: string): Promise<boolean> {
    for (let tries = DELETIONS - 1; ; tries -= 1) {
      const answer = await callKernel('DELETE', kernelId, { timeoutMs: timings.callMs * 3 });
      if (answer.status === 204) return true;
      if (isMissingKernel(answer) || isStopped(answer)) return false;
      // Kernel Gateway 2 answers one of two simultaneous deletions with 500 (protocol.md §1.2, trap 52). Any other success
      // than 204 is said by something in front of the gateway.
      if ((isDoubtful(answer) || isSuccess(answer)) && (await isGone(kernelId))) return isSuccess(answer);
      if (!isDoubtful(answer) || tries === 0) throw readRefusal(answer, 'the deletion of a kernel');
      await delay(timings.shutdownLookMs);
    }
  }

  /** False if the route is missing (stock Knox, protocol.md §1.5), so that something else answers, or the kernel is. */
  async function interruptKernel(kernelId: string): Promise<boolean> {
    const answer = await callKernel('POST', kernelId, { timeoutMs: timings.callMs }, '/interrupt');
    if (isDone(answer)) return true;
    const isOfOther = isSuccess(answer) && !isRefusedCredential(answer);
    if (isOfOther || answer.status === 404 || answer.status === 424) return false;
    throw readRefusal(answer, 'the interrupt of a kernel');
  }

  async function restartKernel(kernelId: string, timeoutMs: number): Promise<void> {
    const answer = await callKernel('POST', kernelId, { timeoutMs }, '/restart');
    if (isDone(answer)) return;
    // 500 is also every version's answer for a missing kernel (protocol.md §1.2, trap 9) and for one of two at once.
    if (isStopped(answer)) throw kernelGone(kernelId, answer.status);
    if (isDoubtful(answer) && (await isGone(kernelId))) throw kernelGone(kernelId);
    throw readRefusal(answer, 'the restart of a kernel');
  }

  return {
    readInfo,
    readKernelspecs,
    listKernels,
    findKernel,
    postKernel,
    deleteKernel,
    interruptKernel,
    restartKernel,
  };
}

/** Whether the call may have failed because the kernel does not exist. */
function isDoubtful({ status }: Answer): boolean {
  return status === 404 || status === 500;
}

/**
 * Whether an act was done. A page is said by something in front of the gateway. The body is not asked for more, because a
 * proxy may make an empty 200 of a 204, and an interrupt that is sent again would be a second one.
 */
function isDone(answer: Answer): boolean {
  return isSuccess(answer) && !isPage(answer);
}

function isSuccess({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** A 2xx response, read by `schema`; else rejects with the matching `GatewayError`. */
export function readAnswer<T>(answer: Answer, schema: z.ZodType<T>, what: string): T {
  const read = isSuccess(answer) ? schema.safeParse(readJson(answer.body)) : undefined;
  if (read?.success !== true) throw readRefusal(answer, what);
  return read.data;
}

/**
 * Whether the gateway says that it has no such kernel. A 404 with HTML, with other words or with none comes from a proxy
 * without the route or from a gateway that is being replaced, and alone must not end a run as "kernel gone".
 */
function isMissingKernel(answer: Answer): boolean {
  return answer.status === 404 && /kernel does not exist/i.test(readReason(answer));
}
