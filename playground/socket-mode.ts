/** Slack's side of Socket Mode: the websocket server that apps.connections.open leads to. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { z } from 'zod';
import type { Changes } from './changes.ts';
import type { Envelope, DeliveryResult, Transport } from './deliveries.ts';
import type { Timers } from './timers.ts';

export type DisconnectReason = 'refresh_requested' | 'warning' | 'too_many_websockets' | 'link_disabled';

const maxConnections = 10;
const closeTimeoutMs = 500;

const reply = z.object({ envelope_id: z.string(), payload: z.unknown() });

export class SocketMode implements Transport {
  readonly #appId: string;
  readonly #changes: Changes;
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #tickets = new Set<string>();
  readonly #connections: WebSocket[] = [];
  readonly #awaited = new Map<string, (result: DeliveryResult) => void>();
  #turn = 0;
  #opened = 0;

  constructor(appId: string, pingIntervalMs: number, timers: Timers, changes: Changes) {
    this.#appId = appId;
    this.#changes = changes;
    timers.every(pingIntervalMs, () => {
      for (const connection of this.#connections) connection.ping();
    });
  }

  get isReady(): boolean {
    return this.#connections.length > 0;
  }

  get connectionCount(): number {
    return this.#connections.length;
  }

  /** How many connections have been opened. */
  get openedCount(): number {
    return this.#opened;
  }

  /** A path with a ticket that opens one connection. */
  issuePath(): string {
    const ticket = randomBytes(12).toString('hex');
    this.#tickets.add(ticket);
    return `/link/?ticket=${ticket}&app_id=${this.#appId}`;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://playground');
    const ticket = url.searchParams.get('ticket') ?? '';
    if (url.pathname !== '/link/' || !this.#tickets.delete(ticket)) {
      // A client that is refused may reset the connection.
      socket.on('error', () => socket.destroy());
      socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (connection) => this.#accept(connection));
  }

  /** Sends each payload to one of the connections, in turn. */
  send(envelope: Envelope): Promise<DeliveryResult> {
    const connection = this.#connections[this.#turn % this.#connections.length];
    this.#turn += 1;
    if (connection === undefined) return Promise.resolve({ kind: 'failed', reason: 'connection_failed' });
    const retries =
      envelope.kind === 'events_api'
        ? { retry_attempt: envelope.attempt, retry_reason: envelope.retryReason }
        : {};
    connection.send(
      JSON.stringify({
        envelope_id: envelope.envelopeId,
        type: envelope.kind,
        accepts_response_payload: envelope.kind !== 'events_api',
        payload: envelope.body,
        ...retries,
      }),
    );
    return new Promise((resolve) => {
      this.#awaited.set(envelope.envelopeId, resolve);
    });
  }

  /** Sends `disconnect` on every connection (or the oldest only), as Slack does when it restarts servers. */
  disconnect(reason: DisconnectReason, which: 'all' | 'oldest' = 'all'): void {
    const told = which === 'all' ? this.#connections : this.#connections.slice(0, 1);
    for (const connection of told) sendDisconnect(connection, reason);
  }

  /** Cuts every connection without `disconnect`. */
  drop(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  /** Leaves every connection half open for so long: what Slack sends still arrives, but it hears nothing. */
  stall(ms: number): void {
    for (const connection of this.#connections) {
      connection.pause();
      setTimeout(() => connection.terminate(), ms).unref();
    }
  }

  /** Closes all connections, and cuts those that do not close in time. */
  async stop(): Promise<void> {
    const closed = this.#connections.map((connection) => once(connection, 'close'));
    for (const connection of this.#connections) connection.close(1001);
    const timeout = setTimeout(() => this.drop(), closeTimeoutMs);
    await Promise.all(closed);
    clearTimeout(timeout);
    this.#server.close();
  }

  #accept(connection: WebSocket): void {
    if (this.#connections.length >= maxConnections) {
      sendDisconnect(connection, 'too_many_websockets');
      return;
    }
    this.#connections.push(connection);
    this.#opened += 1;
    connection.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.#receive(data.toString('utf8'));
    });
    connection.on('error', () => connection.terminate());
    connection.on('close', () => {
      this.#connections.splice(this.#connections.indexOf(connection), 1);
      this.#changes.announce();
    });
    connection.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#connections.length,
        debug_info: { host: 'playground', build_number: 1, approximate_connection_time: 18_060 },
        connection_info: { app_id: this.#appId },
      }),
    );
    this.#changes.announce();
  }

  #receive(data: string): void {
    const read = reply.safeParse(parsed(data));
    if (!read.success) return;
    this.#awaited.get(read.data.envelope_id)?.({ kind: 'acked', payload: read.data.payload });
    this.#awaited.delete(read.data.envelope_id);
  }
}

function sendDisconnect(connection: WebSocket, reason: DisconnectReason): void {
  connection.send(JSON.stringify({ type: 'disconnect', reason, debug_info: { host: 'playground' } }));
  if (reason !== 'warning') connection.close(1000);
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
