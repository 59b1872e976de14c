import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings, KernelModel, Kernelspecs } from '../gateway.ts';
import { readJson } from '../protocol/json.ts';
import type { GatewayTimings } from '../timings.ts';
import { type Answer, badAnswer, gatewayAway, isPage, readReason, readRefusal } from './http-errors.ts';
import type { Http, HttpCall } from './http.ts';

/**
 * One function per REST call of the Kernel Gateway; responses are validated. Source: protocol.md §1.1. All reject with
 * `GatewayError`.
 */
export type KernelsApi = ReturnType<typeof createKernelsApi>;

/** The gateway's paths, without a slash at either end. */
type KernelPaths = Pick<GatewaySettings, 'kernelsPath' | 'kernelspecsPath' | 'hub'>;

export interface PostKernel {
  readonly [more: string]: unknown;
  name: string;
  kernel_id: string;
  env: Readonly<Record<string, string>>;
}

/** Kernel Gateway 3 cannot delete a kernel whose process it is restarting, but a moment later it can. */
const DELETIONS = 3;

/** So many of a proxy's pages in place of a 404, with the gateway's answers between them, count as the gateway's own. */
const PAGES = 4;

const kernelModel = z
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
  { kernelsPath = 'api/kernels', kernelspecsPath = 'api/kernelspecs', hub }: KernelPaths,
  timings: GatewayTimings,
) {
  const kernelPath = (kernelId: string): string => `${kernelsPath}/${encodeURIComponent(kernelId)}`;
  const get = (path: string, signal: AbortSignal | undefined): Promise<Answer> =>
    http.call({ method: 'GET', path, timeoutMs: timings.callMs, signal });
  const callKernel = (
    method: HttpCall['method'],
    kernelId: string,
    more: Pick<HttpCall, 'timeoutMs' | 'signal'>,
    action = '',
  ): Promise<Answer> => http.call({ method, path: `${kernelPath(kernelId)}${action}`, kernelId, ...more });

  /** The hub says that the server is stopped, and its kernels with it. Without a hub a 424 proves nothing. */
  const isStopped = ({ status }: Answer): boolean => status === 424 && hub !== undefined;

  async function findKernel(kernelId: string, signal?: AbortSignal): Promise<KernelModel | undefined> {
    const look = () => callKernel('GET', kernelId, { timeoutMs: timings.callMs, signal });
    let answer = await look();
    // A proxy's page: the gateway may have come back after it, or some of the proxy's replicas may not have lost it.
    for (let pages = 1; answer.status === 404 && !isMissingKernel(answer) && pages < PAGES; pages += 1) {
      if (pages > 1) await delay(timings.shutdownLookMs);
      await mustBeThere(signal);
      answer = await look();
    }
    if (isMissingKernel(answer) || isStopped(answer)) return undefined;
    return readAnswer(answer, kernelModel, 'a kernel');
  }

  /** A proxy has answered 404: while the gateway behind it is replaced, it does so to every request. */
  async function mustBeThere(signal: AbortSignal | undefined): Promise<void> {
    const { status } = await get(kernelspecsPath, signal);
    if (status < 200 || status >= 300) throw gatewayAway(404);
  }

  /** After a call about this kernel that was answered 404 or 500. */
  async function isGone(kernelId: string): Promise<boolean> {
    const model = await findKernel(kernelId).catch((failure: unknown) => {
      if (!isHidden404(failure)) throw failure;
    });
    return model === undefined;
  }

  async function readInfo(signal?: AbortSignal) {
    return readAnswer(await get('api', signal), gatewayInfo, 'its version');
  }

  async function readKernelspecs(signal?: AbortSignal): Promise<Kernelspecs> {
    return readAnswer(await get(kernelspecsPath, signal), kernelspecs, 'its kernelspecs');
  }

  async function listKernels(signal?: AbortSignal): Promise<KernelModel[] | undefined> {
    const answer = await get(kernelsPath, signal);
    // Kernel and Enterprise Gateway forbid listing by default (protocol.md §1.1); there a bad token is a 401.
    if (answer.status === 403) {
      // Jupyter Server answers a bad token with 403 too, but on every path.
      readAnswer(await get(kernelspecsPath, signal), kernelspecs, 'its kernelspecs');
      return undefined;
    }
    return readAnswer(answer, z.array(kernelModel), 'its kernels');
  }

  /** Only the POST; callers use `createKernelStarts`. */
  async function postKernel(body: PostKernel, timeoutMs: number): Promise<Answer> {
    const answer = await http.call({ method: 'POST', path: kernelsPath, body, timeoutMs });
    const started = kernelModel.safeParse(readJson(answer.body)).data;
    if (started !== undefined) http.assign(started.id, answer);
    return answer;
  }

  /** True if the kernel was there and this deleted it; false if it was not, as far as is known. */
  async function deleteKernel(kernelId: string): Promise<boolean> {
    for (let tries = DELETIONS - 1; ; tries -= 1) {
      const timeoutMs = timings.callMs * 3;
      const answer = await callKernel('DELETE', kernelId, { timeoutMs });
      if (isDone(answer, 'the deletion of a kernel')) return true;
      if (isMissingKernel(answer) || isStopped(answer)) return false;
      // Kernel Gateway 2 answers one of two simultaneous deletions with 500 (protocol.md §1.2, trap 52).
      if (isDoubtful(answer) && (await isGone(kernelId))) return false;
      if (answer.status !== 500 || tries === 0) throw readRefusal(answer, 'the deletion of a kernel');
      await delay(timings.shutdownLookMs);
    }
  }

  /** False if the route is missing (stock Knox, protocol.md §1.5) or the kernel is. */
  async function interruptKernel(kernelId: string): Promise<boolean> {
    const answer = await callKernel('POST', kernelId, { timeoutMs: timings.callMs }, '/interrupt');
    if (isDone(answer, 'the interrupt of a kernel')) return true;
    if (answer.status === 404 || answer.status === 424) return false;
    throw readRefusal(answer, 'the interrupt of a kernel');
  }

  async function restartKernel(kernelId: string, timeoutMs: number): Promise<void> {
    const answer = await callKernel('POST', kernelId, { timeoutMs }, '/restart');
    if (isDone(answer, 'the restart of a kernel')) return;
    // For a missing kernel every version answers 500 (protocol.md §1.2, trap 9), and also for one of two simultaneous
    // restarts.
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
 * Whether `findKernel` failed because the gateway is there, but a proxy puts its own page in place of each 404. Together
 * with such a page for another call it proves that the kernel is gone.
 */
export function isHidden404(failure: unknown): boolean {
  return failure instanceof GatewayError && failure.code === 'refused' && failure.status === 404;
}

/** `status` 424: it went with its server. */
export function kernelGone(kernelId: string, status = 404): GatewayError {
  const words =
    status === 424
      ? 'The JupyterHub server was stopped, and its kernels with it'
      : `The gateway has no kernel ${kernelId} any more`;
  return new GatewayError('kernelGone', words, { status });
}

/** Whether the status is 2xx. Rejects if the body is an HTML page: a proxy that asks for a login sends one for any call. */
function isDone(answer: Answer, what: string): boolean {
  if (isPage(answer)) throw badAnswer(answer, what);
  return answer.status >= 200 && answer.status < 300;
}

/** A 2xx response, read by `schema`; else rejects with the matching `GatewayError`. */
export function readAnswer<T>(answer: Answer, schema: z.ZodType<T>, what: string): T {
  if (answer.status < 200 || answer.status >= 300) throw readRefusal(answer, what);
  const read = schema.safeParse(readJson(answer.body));
  if (!read.success) throw badAnswer(answer, what);
  return read.data;
}

export function readKernelModel(answer: Answer): KernelModel {
  return readAnswer(answer, kernelModel, 'a new kernel');
}

/**
 * Whether the gateway says that it has no such kernel. A 404 with HTML, with other words or with none comes from a proxy
 * without the route or from a gateway that is being replaced, and alone must not end a run as "kernel gone".
 */
function isMissingKernel(answer: Answer): boolean {
  return answer.status === 404 && /kernel does not exist/i.test(readReason(answer));
}
