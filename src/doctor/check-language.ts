import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Gateway, Kernelspec } from '../gateway/gateway.ts';
import { kernelEnv } from '../runs/session/kernel/launch-kernel.ts';
import { askKernel, findSpark, proveSpark, SPARK_MS, sparkJob } from './ask-kernel.ts';
import type { Report } from './report.ts';

export interface TryLanguageOptions {
  gateway: Gateway;
  config: Pick<Config, 'gateway' | 'kernels'>;
  report: Report;
  signal: AbortSignal;
}

export type Tried =
  /** `spark` is the version of Spark in it. */
  | { kind: 'ok'; text: string; spark: string | undefined }
  | { kind: 'ranBadly'; text: string; spark?: string | undefined; remedy?: string }
  | { kind: 'notStarted'; text: string; remedy: string }
  /** The kernel started and its websocket could not be opened. */
  | { kind: 'notConnected'; error: GatewayError };

/** Starts a kernel, has it compute 1+1 and, if its name mentions Spark, run a small job. The kernel is removed in any case. */
export async function tryLanguage(
  spec: Kernelspec,
  { gateway, config, report, signal }: TryLanguageOptions,
): Promise<Tried> {
  const { launchTimeoutMs } = config.gateway;
  const owner = { channel: 'doctor', requester: 'doctor' };
  const sinceMs = performance.now();
  report.progress(`${spec.name}: starting a kernel (up to ${launchTimeoutMs / 1000} s)`);
  let kernelId: string | undefined;
  try {
    // Without the signal: only a start that has finished can be undone for certain.
    const model = await gateway.startKernel({
      kernelspec: spec.name,
      kernelId: randomUUID(),
      env: kernelEnv(owner, config.kernels),
    });
    kernelId = model.id;
    report.progress(`${spec.name}: connecting`);
    const connection = await gateway.connect(kernelId, { sessionId: randomUUID(), signal });
    const startedMs = performance.now();
    report.progress(`${spec.name}: running ${sumIn(spec.language)}`);
    const sum = { name: sumIn(spec.language), code: sumIn(spec.language), answer: '2' };
    const inTime = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(launchTimeoutMs)]);
    const ran = await askKernel(connection, sum, inTime());
    const ranMs = performance.now();
    const spark = ran === undefined ? await findSpark(connection, spec.language, inTime()) : undefined;
    const job = ran === undefined && !signal.aborted ? sparkJob(spec) : undefined;
    if (job !== undefined)
      report.progress(`${spec.name}: running a tiny Spark job (up to ${SPARK_MS / 1000} s)`);
    const proved = job === undefined ? undefined : await proveSpark(connection, job, { signal });
    await connection.close();
    if (ran !== undefined) return { kind: 'ranBadly', text: ran };
    if (proved?.kind === 'fails')
      return { kind: 'ranBadly', text: proved.text, remedy: proved.remedy, spark };
    const [startS, runS] = [startedMs - sinceMs, ranMs - startedMs].map((ms) => (ms / 1000).toFixed(1));
    return {
      kind: 'ok',
      text: `${sum.name} is 2; the kernel was up after ${startS} s and ran for ${runS} s.${proved === undefined ? '' : ` ${proved.text}`}`,
      spark,
    };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    // Gateways delay the upgrade until the kernel answers, so a kernel that does not start fails here.
    const isKernels = kernelId === undefined || error.code === 'startFailed' || error.code === 'kernelGone';
    return isKernels
      ? { kind: 'notStarted', text: `${error.message}.`, remedy: startRemedy(error, kernelId !== undefined) }
      : { kind: 'notConnected', error };
  } finally {
    if (kernelId !== undefined) await remove(gateway, kernelId, spec.name, report);
  }
}

async function remove(gateway: Gateway, kernelId: string, name: string, report: Report): Promise<void> {
  try {
    await gateway.shutDownKernel(kernelId);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    report.failed(
      name,
      `The kernel ${kernelId} could not be removed (${why}).`,
      'Let every proxy pass DELETE, and delete that kernel by hand.',
    );
  }
}

/** What an operator should change if a kernel does not start. */
function startRemedy({ code, status }: GatewayError, isStarted: boolean): string {
  if (code === 'refused' && status === 403)
    return 'The gateway forbids it: its limit of kernels is reached, or it does not take KERNEL_USERNAME (Enterprise Gateway refuses root).';
  if (code === 'badAnswer' || status === 404 || status === 405 || status === 413)
    return 'Something before the gateway lets no kernel be started: let it pass POST at this path, or correct KG_URL or KG_KERNELS_PATH.';
  if (code === 'unreachable')
    return 'The gateway went away meanwhile, or its proxy gives up before KERNEL_LAUNCH_TIMEOUT.';
  if (code === 'unauthorized')
    return 'The gateway shows its kernelspecs to anybody and starts kernels only with the right KG_AUTH_TOKEN; or a proxy forbids the start: let it pass POST.';
  const remedy =
    'The gateway’s log has the kernel’s own words. A kernel that is only slow needs a longer KERNEL_LAUNCH_TIMEOUT.';
  return isStarted
    ? `${remedy} If that log has no request for …/channels, something on the way swallows websockets.`
    : remedy;
}

/** 1+1 in this language. */
function sumIn(language: string): string {
  switch (language.toLowerCase()) {
    case 'bash':
    case 'sh':
      return 'echo $((1+1))';
    case 'sql':
      return 'SELECT 1+1';
    default:
      return '1+1';
  }
}
