import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { WebSocket } from 'ws';
import { GatewayError } from '../errors.ts';
import type { GatewaySettings } from '../gateway.ts';
import type { Tunnel } from '../http/dispatcher.ts';
import type { Endpoints } from '../http/endpoints.ts';
import {
  type Answer,
  gatewayAway,
  kernelGone,
  proxyRefusal,
  readFailure,
  readRefusal,
  readStatus,
} from '../http/http-errors.ts';
import type { KernelsApi } from '../http/kernels-api.ts';
import type { GatewayTimings } from '../timings.ts';
import { timeoutSignal, untilAborted } from '../until-aborted.ts';

export interface SocketOptions {
  settings: GatewaySettings;
  endpoints: Endpoints;
  timings: GatewayTimings;
  kernelId: string;
  sessionId: string;
  findKernel: KernelsApi['findKernel'];
  /** Called right before each upgrade, which takes the session and its buffered messages from another client. */
  mayWrite: () => boolean;
}

export interface UpgradeWatch {
  /** The kernel has never answered. It is waited for even if the gateway answers no request for the model. */
  isNew: boolean;
  signal: AbortSignal;
  /** The gateway has answered such a request, so the upgrade waits for the kernel. */
  onAnswered: () => void;
}

/**
 * Waits for the upgrade and requests the kernel's model meanwhile: gateways hold the upgrade of a dead kernel for up to
 * 60 s after giving the kernel up. If it fails, the websocket is terminated.
 */
export async function untilUpgraded(
  socket: { opened: Promise<void>; terminate(): void },
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
    throw await confirmed(failure, options, watch.signal);
  } finally {
    over.abort();
  }
}

/** Rejects once the gateway no longer has the kernel or does not answer; never resolves. */
function untilGivenUp(
  { kernelId, findKernel, timings }: SocketOptions,
  { isNew, onAnswered }: UpgradeWatch,
  over: AbortSignal,
): Promise<never> {
  return new Promise((_resolve, reject) => {
    let wasThere = false;
    const look = async () => {
      try {
        const until = AbortSignal.any([over, timeoutSignal(timings.lookTimeoutMs)]);
        const model = await findKernel(kernelId, until);
        if (model === undefined) return reject(isNew && wasThere ? neverCameUp() : kernelGone(kernelId));
        if (model.executionState === 'dead') return reject(neverCameUp(model.reason));
        wasThere = true;
        onAnswered();
      } catch (failure) {
        // An upgrade on a dead connection gets no answer, even when the gateway is back.
        if (!isNew && failure instanceof GatewayError && failure.code === 'unreachable')
          return reject(new GatewayError('unreachable', 'The gateway gives no answer', { cause: failure }));
      }
      if (!over.aborted) timer = setTimeout(() => void look(), timings.upgradeLookMs);
    };
    let timer = setTimeout(() => void look(), timings.upgradeLookMs);
    over.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });
}

/**
 * A 404 at the upgrade may mean a wrong websocket address, and a 500 may be the gateway's own failure; only REST tells
 * whether the kernel exists and has ever answered.
 */
async function confirmed(
  failure: unknown,
  { kernelId, findKernel }: SocketOptions,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(failure instanceof GatewayError)) return failure;
  const { code, status } = failure;
  const isStopped = code === 'serverStopped';
  if (!isStopped && code !== 'kernelGone' && !(code === 'startFailed' && status === 500)) return failure;
  const model = await findKernel(kernelId, signal, true).catch(() => 'unknown' as const);
  if (isStopped) return model === undefined ? kernelGone(kernelId, status) : failure;
  if (model === 'unknown') return gatewayAway(status ?? 404);
  if (model === undefined) return failure;
  const words = 'The gateway has the kernel, but';
  if (code === 'kernelGone')
    return new GatewayError('badAnswer', `${words} its websocket address says 404`, { status });
  const hasAnswered = model.executionState === 'idle' || model.executionState === 'busy';
  if (!hasAnswered) return failure;
  return new GatewayError('unreachable', `${words} opens no websocket to it (status 500)`, { status });
}

/**
 * Whether no other attempt to reach a kernel that has answered before can help. A 500 may come from a proxy, or from a
 * gateway whose kernel is being restarted.
 */
export function isFinal(failure: unknown): boolean {
  if (!(failure instanceof GatewayError)) return false;
  const { code, status } = failure;
  return code === 'kernelGone' || (code === 'startFailed' && status !== 500);
}

function neverCameUp(reason?: string): GatewayError {
  const why = reason === undefined ? '' : `: ${reason}`;
  const words = `The kernel’s process ended before it answered; the gateway gave it up${why}`;
  return new GatewayError('startFailed', words);
}

/** How much of a refusal's body is read: the reason is at the beginning. */
const MAX_REFUSAL_BYTES = 64 * 2 ** 10;

/** Rejects with a `GatewayError` if the upgrade fails or is refused, by the gateway or a proxy. */
export function untilOpen(
  socket: WebSocket,
  { kernelId, endpoints }: Pick<SocketOptions, 'kernelId' | 'endpoints'>,
  tunnel: Tunnel | undefined,
): Promise<void> {
  const root = endpoints.shownWsRoot;
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (failure) => reject(readFailure(failure, root)));
    socket.once('close', () =>
      reject(new GatewayError('unreachable', `${root} closed the websocket while it was opened`)),
    );
    socket.once('unexpected-response', (request, response) => {
      void readBody(response).then((read) => {
        const body = endpoints.hide(read);
        request.destroy();
        socket.terminate();
        const { location } = response.headers;
        const status = readStatus(response.statusCode ?? 0, location);
        // A proxy that refuses the tunnel answers in place of the gateway.
        const isProxys = tunnel?.status !== undefined && tunnel.status !== 200;
        return reject(
          isProxys ? proxyRefusal(status, root) : readUpgradeRefusal({ status, location, body }, kernelId),
        );
      });
    });
  });
}

/** The beginning of a refusal's body. Never rejects. */
function readBody(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = () => resolve(Buffer.concat(chunks).toString());
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_REFUSAL_BYTES) response.destroy();
    });
    response.once('close', finish);
    response.once('error', finish);
  });
}

/** Refusals have HTML on Kernel Gateway, JSON on Enterprise Gateway and nothing on others (protocol.md §2.1). */
function readUpgradeRefusal(answer: Answer, kernelId: string): GatewayError {
  const { status } = answer;
  const said = `${status} ${STATUS_CODES[status]}`;
  if (status === 404) return kernelGone(kernelId);
  if (status === 500)
    return new GatewayError('startFailed', 'The kernel gives no answer to the gateway (status 500)', {
      status,
    });
  if (status === 400)
    return new GatewayError('badAnswer', `The gateway opened no websocket (${said})`, { status });
  return readRefusal(answer, 'a websocket');
}
