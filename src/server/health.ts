import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { ConfigError } from '../errors.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { countOf } from '../text.ts';
import { atMost } from '../waits.ts';

/** What can be said of one thing the bot depends on. `detail` is a sentence for an operator, without secrets. */
export interface Health {
  ok: boolean;
  detail: string;
}

export type HealthCheck = () => Promise<Health>;

/** However often probes ask, the gateway is asked no oftener than this. */
const GATEWAY_KEEP_MS = 5_000;
const GATEWAY_TIMEOUT_MS = 2_500;

/** Kubernetes' probes give up after 1 s unless told otherwise, and no part's silence may fail a probe or a scrape. */
export const STATUS_TIMEOUT_MS = 800;

/**
 * Whether the gateway answers and takes our credentials. Its kernelspecs are asked for and not `GET api`, because Knox
 * has no route for that and Jupyter Server answers it to anybody (protocol.md §1.1, §1.5).
 */
export function gatewayCheck(gateway: Pick<Gateway, 'readKernelspecs'>): HealthCheck {
  return atMostEvery(GATEWAY_KEEP_MS, async () => {
    try {
      const { list } = await gateway.readKernelspecs(AbortSignal.timeout(GATEWAY_TIMEOUT_MS));
      return { ok: true, detail: `It offers ${countOf(list.length, 'kernelspec')}.` };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { ok: false, detail: gatewayFailure(error) };
    }
  });
}

/** In our words alone: an error's own text may carry a server's. */
function gatewayFailure({ code, status }: GatewayError): string {
  if (code === 'noCredentials') return 'Our credentials for it could not be had.';
  if (code === 'serverStopped') return 'The JupyterHub server is stopped.';
  if (code === 'unreachable') return 'It cannot be reached.';
  if (code === 'untrusted') return 'Its certificate is not trusted.';
  if (code === 'unauthorized') return 'It does not accept our user, password or token.';
  return `It answers and tells no kernelspecs${status === undefined ? '' : ` (HTTP ${status})`}.`;
}

/** Whether the store answers a read. It is not written to: a probe must change nothing. */
export function storeCheck(read: () => Promise<unknown>, kind: string): HealthCheck {
  return async () => {
    await read();
    return { ok: true, detail: `The ${kind} store answers.` };
  };
}

/**
 * Asks every part at once. Never rejects: a part that cannot be asked is not ok, nor is one without an answer within
 * `timeoutMs`. No error's text is repeated, because it may hold an address, a path or a server's words.
 */
export async function readHealth(
  checks: Readonly<Record<string, HealthCheck>>,
  timeoutMs: number,
): Promise<Readonly<Record<string, Health>>> {
  const silence = { ok: false, detail: `No answer within ${timeoutMs / 1000} s.` };
  const ask = async (check: HealthCheck): Promise<Health> => {
    const answer = check().catch(() => ({ ok: false, detail: 'It gives no answer.' }));
    return (await atMost(answer, timeoutMs)) ?? silence;
  };
  const asked = Object.entries(checks).map(async ([part, check]) => [part, await ask(check)] as const);
  return Object.fromEntries(await Promise.all(asked));
}

/** Makes the check at most once every `keepMs`. Calls in between share the latest answer, also while it is pending. */
export function atMostEvery(keepMs: number, check: HealthCheck): HealthCheck {
  let last: { answer: Promise<Health>; atMs: number } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.atMs >= keepMs) last = { answer: check(), atMs: now };
    return last.answer;
  };
}

/** After the close, requests under way have this long. */
const LAST_ANSWERS_MS = 1_000;

export interface ListenOptions {
  /** Named when the port cannot be had. */
  setting: 'PORT' | 'METRICS';
  /** Undefined: every address of this machine. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
  answer: RequestListener;
}

export interface Listening {
  port: number;
  /** Takes no new request; resolves when those under way are answered, or had their time. */
  close(): Promise<void>;
}

/** Starts an HTTP server. Throws `ConfigError` when the setting names a port that cannot be had. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { host, port, answer } = options;
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError([refusal(options, error)])),
    );
    server.listen({ port, host }, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // A silent connection (a load balancer's, a browser's) would hold up the end for ever.
        setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS).unref();
      }),
  };
}

function refusal({ setting, host, port }: ListenOptions, { code, message }: NodeJS.ErrnoException): string {
  const where = `${setting} ${port}${host === undefined ? '' : ` on ${host}`}`;
  if (code === 'EADDRINUSE')
    return `${where} is taken by another process: choose another port, or end that process.`;
  if (code === 'EACCES') return `${where} is not allowed to this user: choose a port from 1024 on.`;
  return `${where} cannot be listened on (${code ?? message}).`;
}

/** `inDoubt`: this process cannot be sure that nobody else is the leader, or cannot become it. */
export type Role = 'leader' | 'standby' | 'inDoubt';

interface HealthServerOptions {
  /** Undefined: every address of this machine. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
  version: string;
  /** Asked for each request; answers from memory. */
  role: () => Role;
  /** By the name under which `/readyz` shows it. None of them decides about readiness. */
  checks: Readonly<Record<string, HealthCheck>>;
  /** Signed HTTP mode: what takes `POST /slack/events`. */
  slackEvents: RequestListener | undefined;
}

/**
 * The server on `PORT`. `/healthz`: the process lives. `/readyz`: 200 for the leader and for a standby in waiting, with
 * Slack, gateway and store as a `status` beside it: a restart of this process would mend none of them. `/leader`: 200
 * for the leader alone, by which a balancer routes `POST /slack/events`; another process answers that with 503 at once,
 * so that Slack repeats the event. Throws `ConfigError` when the port cannot be had.
 */
export async function startHealthServer(options: HealthServerOptions): Promise<Listening> {
  const { host, port, version, role, checks, slackEvents } = options;
  return await listen({
    setting: 'PORT',
    host,
    port,
    answer(request, response) {
      const path = request.url?.split('?', 1)[0];
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const now = role();
      const isLeader = now === 'leader';
      if (path === '/healthz' && isRead) send(request, response, 200, { alive: true, version });
      else if (path === '/readyz' && isRead)
        void readHealth(checks, STATUS_TIMEOUT_MS).then((status) =>
          send(request, response, now === 'inDoubt' ? 503 : 200, {
            ready: now !== 'inDoubt',
            role: now,
            status,
          }),
        );
      else if (path === '/leader' && isRead)
        send(request, response, isLeader ? 200 : 503, { leader: isLeader, role: now });
      else if (path === '/slack/events' && request.method === 'POST' && slackEvents !== undefined) {
        if (isLeader) slackEvents(request, response);
        else send(request, response, 503, { error: 'this process is not the active one' });
      } else send(request, response, 404, { error: 'there is nothing here' });
    },
  });
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
}
