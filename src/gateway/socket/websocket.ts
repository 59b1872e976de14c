import { STATUS_CODES } from 'node:http';
import { WebSocket } from 'ws';
import { GatewayError } from '../errors.ts';
import type { Endpoints } from '../http/endpoints.ts';
import type { GatewaySettings } from '../gateway.ts';
import { tlsOptions } from '../http/http.ts';
import { type Answer, readFailure, readRefusal } from '../http/http-errors.ts';
import { kernelGone } from '../http/kernels-api.ts';
import type { GatewayTimings } from '../timings.ts';
import { decodeFrame, type KernelMessage } from '../protocol/wire.ts';

/** One websocket to one kernel, from the upgrade to its close. It never re-opens; connection.ts does that. */
export interface Link {
  /** Rejects with a `GatewayError` when the upgrade fails. */
  readonly opened: Promise<void>;
  readonly isOpen: boolean;
  send(frame: string): void;
  /** Reads no more from the socket: the gateway's own buffers fill up, ours do not. */
  setPaused(isPaused: boolean): void;
  /** Pings often while executions are in flight, else rarely. */
  setBusy(isBusy: boolean): void;
  /** Without a farewell: the other side may not be there any more. */
  terminate(): void;
  /** Resolves when the socket is closed. */
  close(): Promise<void>;
}

export interface LinkListener {
  /** Before the first message. */
  onOpen(): void;
  onMessage(message: KernelMessage): void;
  /** A message over `maxMessageBytes`: it is lost, and the socket closes. */
  onTooBig(): void;
  /** Once, for a socket that had been open. 1005: no code given, 1006: no farewell at all. */
  onClose(code: number): void;
}

export interface LinkOptions {
  settings: GatewaySettings;
  endpoints: Endpoints;
  timings: GatewayTimings;
  kernelId: string;
  sessionId: string;
  /** The upgrade is held until the kernel answers: minutes for a JVM (protocol.md §2.1, trap 35). */
  upgradeTimeoutMs: number;
}

/** How long the other side may take to answer our farewell. */
const closeMs = 1_000;

export function openLink(options: LinkOptions, listener: LinkListener): Link {
  const { settings, endpoints, timings, kernelId } = options;
  const socket = new WebSocket(endpoints.channelsUrl(kernelId, options.sessionId), {
    ...tlsOptions(settings),
    headers: { ...endpoints.headers },
    followRedirects: false,
    perMessageDeflate: false,
    maxPayload: settings.maxMessageBytes,
    handshakeTimeout: options.upgradeTimeoutMs,
  });
  const opened = untilOpen(socket, options, endpoints.shownWsRoot);
  opened.catch(() => undefined);

  let isPaused = false;
  let isBusy = false;
  let unanswered = 0;
  let pinging: NodeJS.Timeout | undefined;
  let hasAcknowledged = false;

  const isOpen = () => socket.readyState === WebSocket.OPEN;
  const beat = () => {
    if (isPaused || !isOpen()) return;
    // Two pings and nothing heard since: half-open, however open it looks (protocol.md §2.4, trap 37).
    if (unanswered >= 2) return socket.terminate();
    unanswered += 1;
    socket.ping();
  };
  const startPinging = () => {
    clearInterval(pinging);
    unanswered = 0;
    pinging = setInterval(beat, isBusy ? timings.busyPingMs : timings.idlePingMs).unref();
  };
  /**
   * The server's small writes wait (Nagle) for the acknowledgement of the one before, which our side would delay by
   * 40 ms; a tiny frame of ours carries it at once. An unasked-for pong needs no answer (RFC 6455 §5.5.3).
   */
  const acknowledge = () => {
    if (hasAcknowledged || !isBusy || !isOpen()) return;
    hasAcknowledged = true;
    socket.pong();
    setImmediate(() => {
      hasAcknowledged = false;
    });
  };

  socket.on('open', () => {
    startPinging();
    if (isPaused) socket.pause();
    listener.onOpen();
  });
  socket.on('pong', () => {
    unanswered = 0;
  });
  socket.on('message', (frame: Buffer, isBinary) => {
    unanswered = 0;
    acknowledge();
    const message = decodeFrame(frame, isBinary);
    if (message !== undefined) listener.onMessage(message);
  });
  socket.on('error', (failure) => {
    if ('code' in failure && failure.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') listener.onTooBig();
    // What else the socket would wait for is the rest of the message that it cannot take.
    socket.terminate();
  });
  socket.on('close', () => clearInterval(pinging));
  socket.once('open', () => socket.once('close', (code) => listener.onClose(code)));

  return {
    opened,
    get isOpen() {
      return isOpen();
    },
    send: (frame) => socket.send(frame),
    setPaused(paused) {
      if (paused === isPaused) return;
      isPaused = paused;
      unanswered = 0;
      if (paused) socket.pause();
      else socket.resume();
    },
    setBusy(busy) {
      if (busy === isBusy) return;
      isBusy = busy;
      if (isOpen()) startPinging();
    },
    terminate: () => socket.terminate(),
    close: () =>
      new Promise((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) return resolve();
        const impatient = setTimeout(() => socket.terminate(), closeMs);
        socket.once('close', () => {
          clearTimeout(impatient);
          resolve();
        });
        // A paused socket would never read the other side's farewell.
        socket.resume();
        socket.close(1000);
      }),
  };
}

function untilOpen(socket: WebSocket, { kernelId }: LinkOptions, root: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (failure) => reject(readFailure(failure, root)));
    socket.once('close', () =>
      reject(new GatewayError('unreachable', `${root} closed the websocket while it was opened`)),
    );
    socket.once('unexpected-response', (request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      const refuse = () => {
        request.destroy();
        socket.terminate();
        const { location } = response.headers;
        const status = response.statusCode ?? 0;
        reject(readUpgradeRefusal({ status, location, body: Buffer.concat(chunks).toString() }, kernelId));
      };
      response.once('end', refuse);
      response.once('error', refuse);
    });
  });
}

/** Upgrade refusals: HTML on Kernel Gateway, JSON on Enterprise Gateway, nothing at all on others (protocol.md §2.1). */
function readUpgradeRefusal(answer: Answer, kernelId: string): GatewayError {
  const { status } = answer;
  if (status === 404) return kernelGone(kernelId);
  if (status === 500) {
    return new GatewayError('startFailed', 'The kernel gives no answer to the gateway (status 500)', {
      status,
    });
  }
  if (status === 400) {
    return new GatewayError(
      'badAnswer',
      `The gateway opened no websocket (${status} ${STATUS_CODES[status]})`,
      { status },
    );
  }
  return readRefusal(answer, 'a websocket');
}
