import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { WebSocket } from 'ws';
import { GatewayError } from '../errors.ts';
import { type Answer, proxyRefusal, readFailure, readRefusal, readStatus } from '../http/http-errors.ts';
import { kernelGone } from '../http/kernels-api.ts';
import type { Tunnel } from '../http/dispatcher.ts';

/** So much of a refusal's body is read: its reason stands at the beginning. */
const MAX_REFUSAL_BYTES = 64 * 2 ** 10;

/** Rejects with a `GatewayError` when the upgrade is refused, by the gateway or a proxy, or fails. */
export function untilOpen(
  socket: WebSocket,
  kernelId: string,
  root: string,
  tunnel: Tunnel | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (failure) => reject(readFailure(failure, root)));
    socket.once('close', () =>
      reject(new GatewayError('unreachable', `${root} closed the websocket while it was opened`)),
    );
    socket.once('unexpected-response', (request, response) => {
      void readBody(response).then((body) => {
        request.destroy();
        socket.terminate();
        const { location } = response.headers;
        const status = readStatus(response.statusCode ?? 0, location);
        // A proxy that opens no tunnel answers in the gateway's place.
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

/** Upgrade refusals: HTML on Kernel Gateway, JSON on Enterprise Gateway, nothing at all on others (protocol.md §2.1). */
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
