import { WebSocket } from 'ws';
import { GatewayError } from '../errors.ts';
import { type Headers, withCookies } from '../http/cookies.ts';
import { openTunnel, tlsOptions } from '../http/dispatcher.ts';
import { EventTurns, type SocketEvent } from './event-turns.ts';
import { type SocketOptions, untilOpen } from './upgrade.ts';

/** How long the server may take to answer our close, and to end the connection after its own. */
const CLOSING = { closeTimeout: 1_000 };
const NO_CLOSE_FRAME = 1006;
/** Length of a ping's or pong's frame without its payload. */
const CONTROL_BYTES = 2;

/** One websocket to a kernel, from its upgrade to its close. `ReconnectingSocket` reopens it. */
export class KernelSocket {
  /** Rejects with a `GatewayError` if the upgrade fails. */
  readonly opened: Promise<void>;
  readonly #options: SocketOptions;
  readonly #onEvent: (event: SocketEvent) => void;
  readonly #turns: EventTurns;
  /** Undefined until the headers of the upgrade are known. */
  #socket: WebSocket | undefined;
  #isTerminated = false;
  #isPaused = false;
  #isBusy = false;
  #unanswered = 0;
  #pinging: NodeJS.Timeout | undefined;
  #hasAcknowledged = false;
  /** Of the pings and pongs in the bytes that are being read. */
  #controlBytes = 0;
  #receivedMs = 0;

  constructor(options: SocketOptions, onEvent: (event: SocketEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#turns = new EventTurns(onEvent, () => this.#flow());
    this.opened = this.#open();
    this.opened.catch(() => undefined);
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * When bytes of a message came last: those of a long one come for a while before it is complete, and while frames wait
   * for their turn nothing is read. Pings and pongs do not count, because the gateway sends them whether or not its own
   * sockets reach the kernel.
   */
  get receivedMs(): number {
    return this.#turns.isBehind ? performance.now() : this.#receivedMs;
  }

  send(frame: string): void {
    this.#socket?.send(frame);
  }

  /** Stops or resumes reading: while paused, the gateway's buffers fill up rather than ours. */
  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    this.#unanswered = 0;
    this.#flow();
  }

  #flow(): void {
    if (this.#isPaused || this.#turns.isBehind) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Pings often while executions are in flight, otherwise rarely. */
  setBusy(isBusy: boolean): void {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    if (this.isOpen) this.#startPinging();
  }

  /** Closes without a close frame: the server may be gone. */
  terminate(): void {
    this.#isTerminated = true;
    this.#socket?.terminate();
  }

  /** Resolves when the websocket is closed and all its events are delivered. False: the server has not answered the close. */
  close(): Promise<boolean> {
    const socket = this.#socket;
    this.#isTerminated = true;
    // A paused websocket would not read the server's close frame.
    this.setPaused(false);
    return new Promise((resolve) => {
      const end = (isAnswered: boolean): void => this.#turns.whenGiven(() => resolve(isAnswered));
      if (socket === undefined || socket.readyState === WebSocket.CLOSED) return end(true);
      socket.once('close', (code) => end(code !== NO_CLOSE_FRAME));
      socket.close(1000);
    });
  }

  async #open(): Promise<void> {
    const { endpoints } = this.#options;
    const headers = await endpoints.headers();
    try {
      await this.#openWith(headers);
    } catch (failure) {
      // A refused client certificate has no status; fresh headers would not help.
      const { status, code } = failure instanceof GatewayError ? failure : {};
      const isRefused = status === 403 || (status !== undefined && code === 'unauthorized');
      if (!isRefused || !(await endpoints.renew(headers, status))) throw failure;
      await this.#openWith(await endpoints.headers());
    }
  }

  async #openWith(headers: Headers): Promise<void> {
    const { settings, endpoints, timings, kernelId, sessionId, mayWrite } = this.#options;
    if (this.#isTerminated) throw new GatewayError('unreachable', 'The websocket was given up by us');
    if (!mayWrite())
      throw new GatewayError('writesPaused', 'No websocket is opened: this process may change nothing now');
    const tunnel = endpoints.wsProxy === undefined ? undefined : openTunnel(endpoints.wsProxy);
    const url = new URL(endpoints.channelsUrl(kernelId, sessionId));
    const { cookies } = endpoints;
    const socket = new WebSocket(url, {
      ...CLOSING,
      ...tlsOptions(settings),
      ...(tunnel === undefined ? {} : { agent: tunnel.agent }),
      headers: { ...withCookies(headers, cookies.header(kernelId, url)) },
      followRedirects: false,
      perMessageDeflate: false,
      maxPayload: settings.maxMessageBytes,
      // The server holds the upgrade until the kernel answers: minutes for a JVM (protocol.md §2.1, trap 35).
      handshakeTimeout: settings.launchTimeoutMs + timings.startPadMs,
    });
    this.#socket = socket;
    socket.once('upgrade', (answer) => {
      cookies.take(kernelId, url, answer.headers['set-cookie'] ?? []);
      // Not earlier: the first listener for data gets what came with the upgrade, and that is ws.
      socket.once('open', () => answer.socket.on('data', ({ length }: Buffer) => this.#onBytes(length)));
    });
    socket.once('open', () => {
      socket.once('close', (code) => this.#turns.give({ kind: 'close', code }));
      this.#startPinging();
      if (this.#isPaused) socket.pause();
      this.#onEvent({ kind: 'open' });
    });
    for (const control of ['ping', 'pong'])
      socket.on(control, ({ length }: Buffer) => (this.#controlBytes += CONTROL_BYTES + length));
    socket.on('message', (frame: Buffer, isBinary) => {
      this.#acknowledge();
      this.#turns.giveFrame(frame, isBinary);
    });
    socket.on('error', (failure) => {
      if ('code' in failure && failure.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
        this.#turns.give({ kind: 'tooBig' });
      // Otherwise the websocket would wait for the rest of a message that it cannot take.
      socket.terminate();
    });
    socket.on('close', () => {
      clearInterval(this.#pinging);
      tunnel?.giveUp();
    });
    await untilOpen(socket, this.#options, tunnel);
  }

  /** Called after the events of what these bytes complete. */
  #onBytes(bytes: number): void {
    this.#unanswered = 0;
    if (bytes > this.#controlBytes) this.#receivedMs = performance.now();
    this.#controlBytes = 0;
  }

  #startPinging(): void {
    const { busyPingMs, idlePingMs } = this.#options.timings;
    clearInterval(this.#pinging);
    this.#unanswered = 0;
    this.#pinging = setInterval(() => this.#ping(), this.#isBusy ? busyPingMs : idlePingMs).unref();
  }

  #ping(): void {
    // What waits to be read may be the pong.
    if (this.#isPaused || this.#turns.isBehind || !this.isOpen) return;
    // Nothing received since two pings: the connection is half-open (protocol.md §2.4, trap 37).
    if (this.#unanswered >= 2) return this.#socket?.terminate();
    this.#unanswered += 1;
    this.#socket?.ping();
  }

  /**
   * Because of Nagle's algorithm the server's small writes wait for the acknowledgement of the previous one, which our
   * side would delay by 40 ms. A small frame carries it at once, and an unsolicited pong needs no answer (RFC 6455
   * §5.5.3).
   */
  #acknowledge(): void {
    if (this.#hasAcknowledged || !this.#isBusy || !this.isOpen) return;
    this.#hasAcknowledged = true;
    this.#socket?.pong();
    setImmediate(() => {
      this.#hasAcknowledged = false;
    });
  }
}
