import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { listen } from './sockets.ts';

/**
 * A proxy before a gateway with the faults of networks, load balancers and Knox. Like Knox it has a websocket on each
 * side, so it answers pings itself. A seed decides which frames are hit.
 */
export interface FaultFront extends AsyncDisposable {
  httpUrl: string;
  wsUrl: string;
  /** May be changed at any time, for what comes after. */
  faults: Faults;
  /** What the front has done so far. A test can check that some fault happened at all. */
  done: { drops: number; answers: number; tooBig: number; binary: number; delays: number };
  /** Gets each frame that goes to a client. */
  onPassed: (frame: Buffer) => void;
  /** Resets every open websocket. */
  drop(): void;
  /** The open websockets stay open, but nothing passes on them any more. */
  stall(): void;
  /** Ends the stream to the client without a close frame. */
  halfClose(): void;
}

export interface Faults {
  /** The proxy's own answer to a call or upgrade. Undefined: it is passed on; `silence`: it is never answered. */
  answer?: (request: {
    method: string;
    path: string;
    isUpgrade: boolean;
  }) => ProxyAnswer | 'silence' | undefined;
  /** A call or upgrade is passed on when this resolves. Undefined: at once. */
  delayCall?: (request: { method: string; path: string; isUpgrade: boolean }) => Promise<void> | undefined;
  /** Cuts a call that the gateway has not answered for so long, as Knox does after 20 s. */
  cutHttpAfterMs?: number;
  /** Drops the query of `api/kernels`, as Knox's rewrite does. */
  stripsQuery?: boolean;
  /** Delays each frame by at most this long. Their order stays. */
  delayMs?: number;
  /** A longer message from the gateway closes the socket with 1009. */
  maxMessageBytes?: number;
  /** A binary frame in either direction closes the socket with 1011. */
  refusesBinary?: boolean;
  /** Resets the client's socket after a random number of frames between these, at most so many `times`. */
  dropsAfterFrames?: { fewest: number; most: number; times?: number };
}

export interface ProxyAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

interface Pair {
  client: WebSocket;
  /** The client's TCP socket. */
  socket: Duplex;
  upstream: WebSocket;
  isStalled: boolean;
}

export async function startFaultFront(upstreamUrl: string, seed = 1): Promise<FaultFront> {
  const random = randomFrom(seed);
  const pairs = new Set<Pair>();
  const sockets = new Set<Duplex>();
  const upgrades = new WebSocketServer({ noServer: true, maxPayload: 0 });
  const server = createServer((request, response) => {
    void delayed(request, false).then(() => passCall(request, response));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    void delayed(request, true).then(() => passUpgrade(request, socket, head));
  });
  const port = await listen(server);
  const upstreamRoot = upstreamUrl.replace(/\/$/, '');

  const front: FaultFront = {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    faults: {},
    done: { drops: 0, answers: 0, tooBig: 0, binary: 0, delays: 0 },
    onPassed: () => undefined,
    drop() {
      for (const pair of pairs) cut(pair);
    },
    stall() {
      for (const pair of pairs) {
        pair.isStalled = true;
        // Pings are not read either, so they get no answer.
        pair.client.pause();
      }
    },
    halfClose() {
      for (const pair of pairs) {
        pair.isStalled = true;
        pair.socket.end();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) cut(pair);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };

  function cut(pair: Pair): void {
    front.done.drops += 1;
    pairs.delete(pair);
    pair.client.terminate();
    pair.upstream.terminate();
  }

  function pathOf(request: IncomingMessage): string {
    const path = request.url ?? '/';
    return front.faults.stripsQuery === true && request.method === 'POST'
      ? (path.split('?')[0] ?? path)
      : path;
  }

  async function delayed({ method = '', url = '' }: IncomingMessage, isUpgrade: boolean): Promise<void> {
    await front.faults.delayCall?.({ method, path: url, isUpgrade });
  }

  function ownAnswer(request: IncomingMessage, isUpgrade: boolean): ProxyAnswer | 'silence' | undefined {
    const answer = front.faults.answer?.({
      method: request.method ?? '',
      path: request.url ?? '',
      isUpgrade,
    });
    if (answer !== undefined) front.done.answers += 1;
    return answer;
  }

  function passCall(request: IncomingMessage, response: ServerResponse): void {
    const answer = ownAnswer(request, false);
    if (answer === 'silence') return void request.resume();
    if (answer !== undefined) {
      request.resume();
      response
        .writeHead(answer.status, { 'content-type': 'text/html', ...answer.headers })
        .end(answer.body ?? '');
      return;
    }
    const { host: _, ...headers } = request.headers;
    const passed = httpRequest(`${upstreamRoot}${pathOf(request)}`, { method: request.method, headers });
    passed.on('response', (upstream) => {
      response.writeHead(upstream.statusCode ?? 502, upstream.headers);
      upstream.pipe(response);
    });
    passed.on('error', () => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<html>502 Bad Gateway</html>');
    });
    request.pipe(passed);
    const { cutHttpAfterMs } = front.faults;
    if (cutHttpAfterMs === undefined) return;
    const timer = setTimeout(() => request.socket.destroy(), cutHttpAfterMs);
    passed.on('response', () => clearTimeout(timer));
    request.socket.on('close', () => clearTimeout(timer));
  }

  function passUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const answer = ownAnswer(request, true);
    if (answer === 'silence') return;
    if (answer !== undefined) return refuse(socket, answer);
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(
        ([name]) => !/^(host|connection|upgrade|sec-websocket-.*)$/.test(name),
      ),
    );
    const upstream = new WebSocket(`${upstreamRoot.replace(/^http/, 'ws')}${pathOf(request)}`, {
      headers,
      maxPayload: 0,
    });
    // The gateway may send messages before the client's side is open. They must not be lost.
    const early: { data: Buffer; isBinary: boolean }[] = [];
    const keep = (data: Buffer, isBinary: boolean) => void early.push({ data, isBinary });
    upstream.on('message', keep);
    upstream.on('error', () => undefined);
    socket.on('close', () => upstream.terminate());
    upstream.once('unexpected-response', (sent, refusal) => {
      refusal.resume();
      sent.destroy();
      refuse(socket, { status: refusal.statusCode ?? 502, body: '<html>refused</html>' });
    });
    upstream.once('open', () =>
      upgrades.handleUpgrade(request, socket, head, (client) => {
        upstream.off('message', keep);
        joinSides({ client, socket, upstream, isStalled: false }, early);
      }),
    );
    upstream.once('close', () => {
      if (upstream.readyState !== WebSocket.OPEN) socket.destroy();
    });
  }

  function joinSides(pair: Pair, early: readonly { data: Buffer; isBinary: boolean }[]): void {
    const { client, upstream } = pair;
    pairs.add(pair);
    let framesLeft = framesUntilDrop();
    const pass = passer(pair, (data, isBinary, to) => {
      if (pair.isStalled || to.readyState !== WebSocket.OPEN) return;
      framesLeft -= 1;
      if (framesLeft < 0) return cut(pair);
      if (isBinary && front.faults.refusesBinary === true) {
        front.done.binary += 1;
        return client.close(1011);
      }
      if (to === client && data.length > (front.faults.maxMessageBytes ?? Infinity)) {
        front.done.tooBig += 1;
        return client.close(1009);
      }
      to.send(data, { binary: isBinary });
      if (to === client) front.onPassed(data);
    });
    for (const { data, isBinary } of early) pass(data, isBinary, client);
    upstream.on('message', (data: Buffer, isBinary) => pass(data, isBinary, client));
    client.on('message', (data: Buffer, isBinary) => pass(data, isBinary, upstream));
    client.on('error', () => undefined);
    client.on('close', () => {
      pairs.delete(pair);
      upstream.terminate();
    });
    upstream.on('close', (code) => {
      pairs.delete(pair);
      if (pair.isStalled) return;
      if (code === 1005) client.close();
      else if (code === 1006) client.terminate();
      else client.close(code);
    });
  }

  /** Passes frames on in their order, each with its delay. */
  function passer(
    pair: Pair,
    give: (data: Buffer, isBinary: boolean, to: WebSocket) => void,
  ): (data: Buffer, isBinary: boolean, to: WebSocket) => void {
    const lines = new Map<WebSocket, Promise<void>>();
    return (data, isBinary, to) => {
      const { delayMs } = front.faults;
      const before = lines.get(to);
      if (delayMs === undefined && before === undefined) return give(data, isBinary, to);
      front.done.delays += 1;
      const waitMs = delayMs === undefined ? 0 : random() * delayMs;
      const given = (before ?? Promise.resolve())
        .then(() => pause(waitMs))
        .then(() => give(data, isBinary, to));
      lines.set(to, given);
      void given.then(() => lines.get(to) === given && pairs.has(pair) && lines.delete(to));
    };
  }

  function framesUntilDrop(): number {
    const { dropsAfterFrames: drops } = front.faults;
    if (drops === undefined || front.done.drops >= (drops.times ?? Infinity)) return Infinity;
    return drops.fewest + Math.floor(random() * (drops.most - drops.fewest + 1));
  }

  return front;
}

function refuse(socket: Duplex, { status, headers = {}, body = '' }: ProxyAnswer): void {
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  );
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
