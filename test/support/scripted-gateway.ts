import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { z } from 'zod';
import { parseJson } from '../../src/text.ts';
import { listen } from './sockets.ts';

/**
 * A server on the network that acts as a Kernel Gateway: its REST calls, its upgrade, its buffering for a lost session.
 * The test scripts what a kernel says. Without a script it behaves like a healthy ipykernel.
 */
export interface ScriptedGateway {
  httpUrl: string;
  wsUrl: string;
  /** Every REST call and upgrade, in order. */
  calls: Call[];
  kernels: Map<string, ScriptedKernel>;
  /**
   * An answer in place of the usual one. `'hang'` never answers, `'reset'` drops the connection, `'lost'` does what is asked
   * and then drops it.
   */
  answer: (call: Call) => OtherAnswer | undefined | Promise<OtherAnswer | undefined>;
  /** Called with each kernel that POST makes. */
  onStart: (kernel: ScriptedKernel, call: Call) => void;
  addKernel(id?: string): ScriptedKernel;
  /** Resolves with the next call that fits. */
  untilCall(fits: (call: Call) => boolean): Promise<Call>;
  close(): Promise<void>;
}

export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: unknown;
  isUpgrade: boolean;
}

type OtherAnswer = CannedAnswer | 'hang' | 'reset' | 'lost';

export interface CannedAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string | object;
}

export interface ScriptMessage {
  channel: string;
  header: {
    msg_id: string;
    msg_type: string;
    session: string;
    username: string;
    version: string;
    date: string;
  };
  parent_header: Partial<ScriptMessage['header']>;
  metadata: object;
  content: Record<string, unknown>;
  buffers: unknown[];
}

export interface SendOptions {
  parent?: ScriptMessage | null;
  channel?: string;
  session?: string;
  msgId?: string;
}

/** A real server waits for 90 s (protocol.md §2.4). */
const PONG_MS = 5_000;

export class ScriptedKernel {
  readonly id: string;
  readonly name: string;
  executionState = 'starting';
  implementation = 'ipython';
  implementationVersion = '';
  /** False: kernel_info_requests get no answer. */
  answersInfo = true;
  /** The same for requests on the control channel, which ipykernel answers while code runs. By default as `answersInfo`. */
  answersControl: boolean | undefined;
  /** An upgrade is accepted when this resolves. */
  upgradable: Promise<void> = Promise.resolve();
  /** Like ipykernel's: its messages are numbered `SESSION_PID_n`. */
  session: string = randomUUID();
  pid = 100;
  isDeleted = false;
  interrupts = 0;
  /** The gateway keeps what is said while nobody is connected, and replays it to the same session. */
  buffers = true;
  onExecute: (request: ScriptMessage, kernel: ScriptedKernel) => void = (request) => this.run(request);
  /** Handles an empty silent execution. By default it is done at once, as in an idle kernel. */
  onProof: (request: ScriptMessage) => void = (request) => this.prove(request, 2);
  /** Handles the bot's own code. By default it is done at once, without output. */
  onSilent: (request: ScriptMessage) => void = (request) => this.prove(request, 1);
  /** A comm whose target nobody has registered is closed. */
  onCommOpen: (request: ScriptMessage) => void = (request) => this.#answerComm('comm_close', request);
  onInterrupt: () => void = () => undefined;
  onRestart: () => void = () => undefined;
  readonly received: ScriptMessage[] = [];
  readonly sockets = new Map<WebSocket, string>();
  readonly #cut = new WeakSet<WebSocket>();
  readonly #events = new EventEmitter();
  #isAtWork = false;
  /** Requests on the shell channel that came while code runs. Like ipykernel it answers them afterwards. */
  readonly #unanswered: ScriptMessage[] = [];
  #count = 0;
  #bufferedFor: string | undefined;
  #buffer: string[] = [];

  constructor(id: string, name = 'python3') {
    this.id = id;
    this.name = name;
  }

  nextId(): string {
    this.#count += 1;
    return `${this.session}_${this.pid}_${this.#count}`;
  }

  /** Sends to all clients. A real kernel sends messages on other channels than iopub to one client, but a test has only one. */
  send(msgType: string, content: object, options: SendOptions = {}): ScriptMessage {
    const message: ScriptMessage = {
      channel: options.channel ?? 'iopub',
      header: {
        msg_id: options.msgId ?? this.nextId(),
        msg_type: msgType,
        session: options.session ?? this.session,
        username: 'kernel',
        version: '5.3',
        date: new Date().toISOString(),
      },
      parent_header: options.parent?.header ?? {},
      metadata: {},
      content: { ...content },
      buffers: [],
    };
    this.sendRaw(JSON.stringify({ ...message, msg_id: message.header.msg_id, msg_type: msgType }));
    return message;
  }

  sendRaw(frame: string | Buffer): void {
    // Messages to a closing socket are lost, and which ones depends on the machine's load.
    const open = [...this.sockets.keys()].filter(({ readyState }) => readyState === WebSocket.OPEN);
    if (open.length === 0 && this.buffers && this.#bufferedFor !== undefined)
      this.#buffer.push(String(frame));
    for (const socket of open) if (!this.#cut.has(socket)) socket.send(frame);
  }

  status(executionState: string, parent: ScriptMessage | null = null): void {
    if (parent !== null) this.executionState = executionState;
    this.send('status', { execution_state: executionState }, { parent });
    if (parent?.header.msg_type !== 'execute_request') return;
    this.#isAtWork = executionState === 'busy';
    if (!this.#isAtWork) for (const request of this.#unanswered.splice(0)) this.#answerInfo(request);
  }

  /** A new process begins, in a session of its own. */
  comeUp(): void {
    this.session = randomUUID();
    this.pid += 1;
    this.#isAtWork = false;
    this.#unanswered.length = 0;
    this.status('starting');
  }

  stream(request: ScriptMessage, text: string, name = 'stdout'): void {
    this.send('stream', { name, text }, { parent: request });
  }

  begin(request: ScriptMessage, executionCount = 1): void {
    this.status('busy', request);
    this.send(
      'execute_input',
      { code: request.content['code'], execution_count: executionCount },
      { parent: request },
    );
  }

  reply(request: ScriptMessage, content: object = {}): void {
    const full = { status: 'ok', execution_count: 1, user_expressions: {}, payload: [], ...content };
    this.send('execute_reply', full, { parent: request, channel: 'shell' });
  }

  /** The last execute_request. */
  get lastRequest(): ScriptMessage {
    const request = this.received.findLast(({ header }) => header.msg_type === 'execute_request');
    if (request === undefined) throw new Error('nothing was sent');
    return request;
  }

  /** Sends reply and idle: nothing more belongs to this request. */
  end(request = this.lastRequest, content: object = {}): void {
    this.reply(request, content);
    this.status('idle', request);
  }

  /** A whole execution that prints `text`, if given. */
  run(request: ScriptMessage, text?: string): void {
    this.begin(request);
    if (text !== undefined) this.stream(request, text);
    this.end(request);
  }

  /** A silent execution, such as the bot's own code: only its count is visible. */
  prove(request: ScriptMessage, executionCount: number): void {
    this.status('busy', request);
    this.end(request, { execution_count: executionCount });
  }

  /** Resolves with the request once the client has sent it; counts those that came before the call. */
  async untilReceived(msgType: string, nth = 1): Promise<ScriptMessage> {
    for (;;) {
      const found = this.received.filter((message) => message.header.msg_type === msgType)[nth - 1];
      if (found !== undefined) return found;
      await once(this.#events, 'received');
    }
  }

  async untilConnected(): Promise<void> {
    while (this.sockets.size === 0) await once(this.#events, 'connected');
  }

  /** The network drops: a reset without a close frame. */
  drop(): void {
    for (const socket of this.sockets.keys()) socket.terminate();
    this.#away();
  }

  /**
   * The network drops without a word: both sides keep a websocket over which nothing comes any more. The server's pings
   * get no answer, so it stops counting the client; the client hears nothing of that.
   */
  cut(): void {
    for (const socket of this.sockets.keys()) {
      socket.pause();
      this.#cut.add(socket);
      setTimeout(() => this.sockets.delete(socket), PONG_MS).unref();
    }
  }

  /** The server closes with a code (1005: none). */
  hangUp(code: number): void {
    for (const socket of this.sockets.keys()) {
      if (code === 1005) socket.close();
      else socket.close(code);
    }
    this.#away();
  }

  connect(socket: WebSocket, sessionId: string): void {
    const isSame = this.#bufferedFor === sessionId;
    // The same session twice: the server closes the old socket without a code (protocol.md §2.2).
    for (const [other, session] of this.sockets) {
      if (session !== sessionId) continue;
      other.close();
      // Nothing answers the close of such a websocket.
      if (this.#cut.has(other)) this.sockets.delete(other);
    }
    this.#bufferedFor ??= sessionId;
    const replay = isSame ? this.#buffer : [];
    this.#buffer = [];
    this.#bufferedFor = sessionId;
    this.sockets.set(socket, sessionId);
    for (const frame of replay) socket.send(frame);
    socket.on('message', (data: Buffer) => this.#receive(data.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    this.#events.emit('connected');
  }

  #away(): void {
    this.sockets.clear();
  }

  #receive(text: string): void {
    const message: ScriptMessage = JSON.parse(text);
    this.received.push(message);
    this.#events.emit('received');
    // A deleted kernel's websocket stays open and swallows what is sent (protocol.md §2.7).
    if (this.isDeleted) return;
    const { answersInfo, answersControl = answersInfo } = this;
    const isAnswered = message.channel === 'control' ? answersControl : answersInfo;
    if (message.header.msg_type === 'kernel_info_request' && isAnswered) {
      const isShellAtWork = message.channel === 'shell' && this.#isAtWork && this.executionState === 'busy';
      if (isShellAtWork && this.implementation !== 'spark') this.#unanswered.push(message);
      else this.#answerInfo(message);
    }
    if (message.header.msg_type === 'comm_open') this.onCommOpen(message);
    if (message.header.msg_type !== 'execute_request') return;
    if (message.content['silent'] !== true) this.onExecute(message, this);
    else if (message.content['code'] === '') this.onProof(message);
    else this.onSilent(message);
  }

  /** The side that accepts the comm says so at once. */
  takeComm(request: ScriptMessage): void {
    this.#answerComm('comm_msg', request, { msgtype: 'commopen' });
  }

  #answerComm(msgType: 'comm_msg' | 'comm_close', request: ScriptMessage, data: object = {}): void {
    this.status('busy', request);
    this.send(msgType, { comm_id: request.content['comm_id'], data }, { parent: request });
    this.status('idle', request);
  }

  #answerInfo(request: ScriptMessage): void {
    this.send('status', { execution_state: 'busy' }, { parent: request });
    const content = {
      status: 'ok',
      protocol_version: '5.3',
      implementation: this.implementation,
      implementation_version: this.implementationVersion,
      language_info: { name: 'python', version: '3.11.7' },
    };
    this.send('kernel_info_reply', content, { parent: request, channel: request.channel });
    this.send('status', { execution_state: 'idle' }, { parent: request });
    if (this.executionState === 'starting') this.executionState = 'idle';
  }
}

export async function startScriptedGateway(): Promise<ScriptedGateway> {
  const events = new EventEmitter();
  const sockets = new Set<Duplex>();
  const upgrades = new WebSocketServer({ noServer: true });
  const server = createServer((request, response) => void handle(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  const port = await listen(server);

  const gateway: ScriptedGateway = {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    calls: [],
    kernels: new Map(),
    answer: () => undefined,
    onStart: () => undefined,
    addKernel(id = randomUUID()) {
      const kernel = new ScriptedKernel(id);
      gateway.kernels.set(kernel.id, kernel);
      return kernel;
    },
    async untilCall(fits) {
      for (let seen = gateway.calls.length; ; seen += 1) {
        while (gateway.calls.length <= seen) await once(events, 'call');
        const call = gateway.calls[seen];
        if (call !== undefined && fits(call)) return call;
      }
    },
    async close() {
      for (const kernel of gateway.kernels.values()) kernel.drop();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };

  async function note(request: IncomingMessage, isUpgrade: boolean): Promise<Call> {
    const url = new URL(request.url ?? '/', gateway.httpUrl);
    const chunks: Buffer[] = [];
    if (!isUpgrade) for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const call: Call = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      // Another test's bot may still call this port, with any body.
      body: parseJson(text),
      isUpgrade,
    };
    gateway.calls.push(call);
    events.emit('call');
    return call;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await note(request, false);
    const canned = await gateway.answer(call);
    if (canned === 'hang') return;
    if (canned === 'lost') usualAnswer(gateway, call);
    if (canned === 'reset' || canned === 'lost') return void request.socket.resetAndDestroy();
    const { status, headers, body } = canned ?? usualAnswer(gateway, call);
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A client that is refused may reset the connection.
    socket.on('error', () => undefined);
    const call = await note(request, true);
    const canned = await gateway.answer(call);
    if (canned === 'hang') return;
    if (canned === 'reset' || canned === 'lost') return void socket.destroy();
    const kernel = gateway.kernels.get(kernelIdOf(call.path));
    await kernel?.upgradable;
    const refusal =
      canned ??
      (kernel === undefined || kernel.isDeleted
        ? { status: 404, body: '<html>404: Not Found</html>' }
        : undefined);
    if (refusal !== undefined || kernel === undefined) {
      const text = typeof refusal?.body === 'string' ? refusal.body : JSON.stringify(refusal?.body ?? '');
      const headers = Object.entries(refusal?.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(
        `HTTP/1.1 ${refusal?.status} Refused\r\n${headers.join('')}content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (accepted) =>
      kernel.connect(accepted, call.query.get('session_id') ?? ''),
    );
  }

  return gateway;
}

function usualAnswer(gateway: ScriptedGateway, call: Call): CannedAnswer {
  if (call.path === '/api') return { status: 200, body: { version: '2.21.1' } };
  if (call.path === '/api/kernelspecs') return { status: 200, body: kernelspecsAnswer };
  if (call.path === '/api/kernels' && call.method === 'GET') {
    return { status: 403, body: { reason: 'Forbidden', message: 'Forbidden' } };
  }
  if (call.path === '/api/kernels' && call.method === 'POST') return startAnswer(gateway, call);
  const kernel = gateway.kernels.get(kernelIdOf(call.path));
  if (kernel === undefined || kernel.isDeleted) {
    if (call.path.endsWith('/restart'))
      return { status: 500, body: { message: 'Exception restarting kernel', reason: null } };
    return {
      status: 404,
      body: { reason: 'Not Found', message: `Kernel does not exist: ${kernelIdOf(call.path)}` },
    };
  }
  if (call.path.endsWith('/interrupt')) {
    kernel.interrupts += 1;
    kernel.onInterrupt();
    return { status: 204 };
  }
  if (call.path.endsWith('/restart')) {
    kernel.onRestart();
    return { status: 200, body: modelOf(kernel) };
  }
  if (call.method === 'DELETE') {
    kernel.isDeleted = true;
    return { status: 204 };
  }
  return { status: 200, body: modelOf(kernel) };
}

const startBody = z.object({ name: z.string(), kernel_id: z.string().optional() });

function startAnswer(gateway: ScriptedGateway, call: Call): CannedAnswer {
  const { name, kernel_id: kernelId } = startBody.parse(call.body);
  if (!(name in kernelspecsAnswer.kernelspecs)) {
    const traceback = 'Traceback (most recent call last): secret path';
    return {
      status: 500,
      body: { reason: 'Internal Server Error', message: 'Unknown server error', traceback },
    };
  }
  const kernel = new ScriptedKernel(kernelId ?? randomUUID(), name);
  gateway.kernels.set(kernel.id, kernel);
  gateway.onStart(kernel, call);
  return { status: 201, headers: { location: `/api/kernels/${kernel.id}` }, body: modelOf(kernel) };
}

function modelOf(kernel: ScriptedKernel): object {
  return {
    id: kernel.id,
    name: kernel.name,
    last_activity: '2026-11-22T10:00:00.000000Z',
    execution_state: kernel.executionState,
    connections: kernel.sockets.size,
  };
}

function kernelIdOf(path: string): string {
  return path.split('/')[3] ?? '';
}

const kernelspecsAnswer = {
  default: 'python3',
  kernelspecs: {
    python3: {
      name: 'python3',
      spec: {
        argv: [],
        env: {},
        display_name: 'Python 3',
        language: 'python',
        interrupt_mode: 'signal',
        metadata: {},
      },
      resources: {},
    },
    'scala-spark': {
      name: 'scala-spark',
      spec: { argv: [], display_name: 'Scala', language: 'scala', interrupt_mode: 'message' },
      resources: {},
    },
  },
};
