import { untilAborted } from '../until-aborted.ts';
import { GatewayError } from '../errors.ts';
import type { KernelSocket, SocketOptions } from './websocket.ts';
import { kernelGone, type KernelsApi } from '../http/kernels-api.ts';

export interface UpgradeWatch {
  /** Whether the upgrade is given up when the gateway answers no look. A new kernel is waited for. */
  endsWithGateway: boolean;
  signal: AbortSignal;
  /** The gateway has answered a look: it is there, and the upgrade waits for the kernel. */
  onAnswered: () => void;
}

/**
 * Waits for the upgrade, and meanwhile asks for the kernel's model: gateways hold the upgrade of a kernel that died
 * for up to 60 s after they have given it up. On failure the websocket is terminated.
 */
export async function untilUpgraded(
  socket: KernelSocket,
  options: SocketOptions,
  watch: UpgradeWatch,
): Promise<void> {
  const over = new AbortController();
  try {
    await untilAborted(
      Promise.race([socket.opened, untilGivenUp(options, watch, over.signal)]),
      watch.signal,
      () => new GatewayError('unreachable', 'Opening the websocket was given up by us'),
    );
  } catch (failure) {
    socket.terminate();
    throw await confirmed(failure, options);
  } finally {
    over.abort();
  }
}

/** Rejects once the gateway has no such kernel any more, or is not there itself; never resolves. */
function untilGivenUp(
  { kernelId, findKernel, timings }: SocketOptions,
  { endsWithGateway, onAnswered }: UpgradeWatch,
  over: AbortSignal,
): Promise<never> {
  return new Promise((_resolve, reject) => {
    let wasThere = false;
    const look = async () => {
      try {
        const until = AbortSignal.any([over, AbortSignal.timeout(timings.lookTimeoutMs)]);
        const model = await findKernel(kernelId, until);
        if (model === undefined) return reject(wasThere ? neverCameUp() : kernelGone(kernelId));
        if (model.executionState === 'dead') return reject(neverCameUp(model.reason));
        wasThere = true;
        onAnswered();
      } catch (failure) {
        // An upgrade that was asked for on a dead connection gets no answer, also when the gateway is back.
        if (endsWithGateway && failure instanceof GatewayError && failure.code === 'unreachable')
          return reject(new GatewayError('unreachable', 'The gateway gives no answer', { cause: failure }));
      }
      if (!over.aborted) timer = setTimeout(() => void look(), timings.upgradeLookMs);
    };
    let timer = setTimeout(() => void look(), timings.upgradeLookMs);
    over.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

/**
 * A 404 on the upgrade may be a wrong websocket address, and a 500 the gateway's own failure: only the REST side knows
 * whether the kernel is there and has ever answered.
 */
async function confirmed(failure: unknown, { kernelId, findKernel }: SocketOptions): Promise<unknown> {
  if (!(failure instanceof GatewayError)) return failure;
  const { code, status } = failure;
  if (code === 'serverStopped')
    return (await isThere(kernelId, findKernel)) ? failure : kernelGone(kernelId, status);
  if (code !== 'kernelGone' && !(code === 'startFailed' && status === 500)) return failure;
  const model = await findKernel(kernelId).catch(() => undefined);
  if (model === undefined) return failure;
  const words = 'The gateway has the kernel, but';
  if (code === 'kernelGone')
    return new GatewayError('badAnswer', `${words} its websocket address says 404`, { status });
  const hasAnswered = model.executionState === 'idle' || model.executionState === 'busy';
  if (!hasAnswered) return failure;
  return new GatewayError('unreachable', `${words} opens no websocket to it (status 500)`, { status });
}

/** False only where that is known. */
async function isThere(kernelId: string, findKernel: KernelsApi['findKernel']): Promise<boolean> {
  return await findKernel(kernelId).then(
    (model) => model !== undefined,
    () => true,
  );
}

function neverCameUp(reason?: string): GatewayError {
  const why = reason === undefined ? '' : `: ${reason}`;
  const words = `The kernel’s process ended before it answered; the gateway gave it up${why}`;
  return new GatewayError('startFailed', words);
}
