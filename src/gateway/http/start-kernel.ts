import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import type { Log } from '../../log.ts';
import type { KernelModel, StartKernel } from '../gateway.ts';
import { type Answer, isGatewayAway, readReason, readRefusal } from './http-errors.ts';
import { type Rest, readKernelModel } from './kernels-api.ts';
import type { GatewayTimings } from '../timings.ts';
import type { Turns } from './semaphore.ts';

interface Starter {
  rest: Rest;
  turns: Turns;
  timings: GatewayTimings;
  launchTimeoutMs: number;
  /** Aborted when the gateway client closes: ends the search for kernels whose start's answer was lost. */
  closing: AbortSignal;
  log: Log;
}

/**
 * `POST api/kernels`, in turns (gateways leak one start's env into another, protocol.md §1.3). A start that the caller
 * gives up, or whose answer is lost, leaves no kernel behind where the gateway honours chosen ids.
 */
export async function startKernel(start: StartKernel, starter: Starter): Promise<KernelModel> {
  const done = await starter.turns.take(start.onTurn, start.signal).catch(() => undefined);
  if (done === undefined) throw givenUp();
  // The turn lasts until the gateway has answered, also when the caller does not wait for it any more.
  const posted = post(start, starter).finally(done);
  if (start.signal === undefined) return posted;
  return untilAborted(posted, start.signal, () => {
    posted
      .then((model) => starter.rest.deleteKernel(model.id))
      .catch((failure: unknown) => {
        starter.log.warn({ err: failure, kernelId: start.kernelId }, 'a given up start was not cleaned up');
      });
  });
}

async function post(start: StartKernel, starter: Starter): Promise<KernelModel> {
  const { rest, timings, launchTimeoutMs } = starter;
  const body = {
    name: start.kernelspec,
    // Kernel Gateway 3 reads the first, Enterprise Gateway the second (protocol.md §1.3).
    kernel_id: start.kernelId,
    env: {
      KERNEL_LAUNCH_TIMEOUT: String(Math.ceil(launchTimeoutMs / 1000)),
      ...start.env,
      KERNEL_ID: start.kernelId,
    },
  };
  let answer: Answer;
  try {
    const there = await findStarted(start.kernelId, rest);
    if (there !== undefined) return there;
    answer = await rest.postKernel(body, launchTimeoutMs + timings.startPadMs);
  } catch (failure) {
    if (failure instanceof GatewayError && failure.code === 'unreachable')
      void removeLostStart(start.kernelId, starter);
    throw failure;
  }
  if (answer.status >= 200 && answer.status < 300) return readKernelModel(answer);
  if (isGatewayAway(answer.status) && readReason(answer) === '')
    void removeLostStart(start.kernelId, starter);
  throw await readStartFailure(answer, start.kernelspec, rest);
}

/**
 * The kernel of an earlier start under this id, which a crash cut short: Kernel Gateway 2 would start a second one, and
 * leave the first to nobody.
 */
async function findStarted(kernelId: string, rest: Rest): Promise<KernelModel | undefined> {
  try {
    return await rest.findKernel(kernelId);
  } catch (failure) {
    if (failure instanceof GatewayError && failure.code === 'unreachable') throw failure;
    return undefined;
  }
}

/** Why a start was refused: limits and users as `refused`, the rest as `startFailed` with the gateway's own reason. */
async function readStartFailure(answer: Answer, kernelspec: string, rest: Rest): Promise<GatewayError> {
  const { status } = answer;
  const reason = readReason(answer);
  if (status === 500) {
    // An unknown name is an unhandled error on every version (protocol.md §1.2, trap 10).
    const specs = await rest.readKernelspecs().catch(() => undefined);
    if (specs !== undefined && !specs.list.some((spec) => spec.name === kernelspec)) {
      return new GatewayError('startFailed', `The gateway has no kernelspec named ${kernelspec}`, { status });
    }
  }
  // 503 with words is Enterprise Gateway's own: the cluster has no resources; without words it is a proxy's.
  if (status === 500 || (status === 503 && reason !== '')) {
    const why = reason === '' ? 'it gives no reason' : reason;
    return new GatewayError('startFailed', `The gateway could not start ${kernelspec}: ${why}`, { status });
  }
  return readRefusal(answer, `to start ${kernelspec}`);
}

/**
 * The answer to a start was lost: the kernel may be there or still come. The chosen id is a fresh uuid, so a kernel
 * under it is ours; Kernel Gateway 2 chooses its own and cannot be cleaned up, which is logged.
 */
async function removeLostStart(kernelId: string, starter: Starter): Promise<void> {
  const { rest, timings, launchTimeoutMs, closing, log } = starter;
  const until = performance.now() + launchTimeoutMs;
  while (performance.now() < until && !closing.aborted) {
    try {
      if (await rest.deleteKernel(kernelId)) {
        log.info({ kernelId }, 'deleted a kernel whose start was not answered');
        return;
      }
    } catch (failure) {
      log.debug({ err: failure, kernelId }, 'cannot look for a kernel whose start was not answered');
    }
    await pause(timings.lostStartLookMs, undefined, { signal: closing, ref: false }).catch(() => undefined);
  }
  log.warn(
    { kernelId },
    'a start was not answered and no kernel is found under its id; the gateway may keep an orphan',
  );
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal, onAbort: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      onAbort();
      reject(givenUp());
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function givenUp(): GatewayError {
  return new GatewayError('startFailed', 'The start was given up before the gateway answered');
}
