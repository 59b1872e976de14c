import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { ConfigError } from '../errors.ts';
import { GatewayError } from '../gateway/errors.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { countOf } from '../text.ts';
import { atMost } from '../waits.ts';

/** The health of one thing that the bot depends on. `detail` is a sentence for an operator, without secrets. */
export interface Health {
  ok: boolean;
  detail: string;
}

export type HealthCheck = () => Promise<Health>;

/** The least time between two requests to the gateway, however often probes ask. */
const GATEWAY_KEEP_MS = 5_000;
const GATEWAY_TIMEOUT_MS = 2_500;

/** By default Kubernetes' probes give up after 1 s, and a part that does not answer must not fail a probe or a scrape. */
export const STATUS_TIMEOUT_MS = 800;

/**
 * Whether the gateway answers and accepts our credentials. It reads the kernelspecs and not `GET api`, because Knox has no
 * route for that, and Jupyter Server answers it without credentials (protocol.md §1.1, §1.5).
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

/** In our own words, because an error's text may quote the server. */
function gatewayFailure({ code, status }: GatewayError): string {
  if (code === 'noCredentials') return 'Our credentials for it could not be had.';
  if (code === 'serverStopped') return 'The JupyterHub server is stopped.';
  if (code === 'unreachable') return 'It cannot be reached.';
  if (code === 'untrusted') return 'Its certificate is not trusted.';
  if (code === 'unauthorized') return 'It does not accept our user, password or token.';
  return `It answers and tells no kernelspecs${status === undefined ? '' : ` (HTTP ${status})`}.`;
}

/** Whether the store answers a read. A probe must not write. */
export function storeCheck(read: () => Promise<unknown>, kind: string): HealthCheck {
  return async () => {
    await read();
    return { ok: true, detail: `The ${kind} store answers.` };
  };
}

/**
 * Checks all parts at once. Never rejects: a part that fails or does not answer within `timeoutMs` is not ok. The texts of
 * errors are not repeated, because they may contain an address, a path or a server's words.
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

/** When the server closes, pending requests have this long. */
const LAST_ANSWERS_MS = 1_000;

export interface ListenOptions {
  /** The setting that an error names. */
  setting: 'PORT' | 'METRICS';
  /** Undefined: every address of this machine. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
  answer: RequestListener;
}

export interface Listening {
  port: number;
  /** Accepts no new request. Resolves when the pending ones are answered or their time is over. */
  close(): Promise<void>;
}

/** Starts an HTTP server. Rejects with `ConfigError` if the port cannot be used. */
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
        // A connection without requests, such as a load balancer's, would prevent the close for ever.
        setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS).unref();
      }),
  };
}

function refusal({ setting, host, port }: ListenOptions, { code, message }: NodeJS.ErrnoException): string {
  const where = `${setting} ${port}${host === undefined ? '' : ` on ${host}`}`;
  if (code === 'EADDRINUSE')
    return `${where} is taken already: choose another port, or end the process that has it.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${setting === 'PORT' ? 'HOST' : setting}: ${host} is no address of this machine (${code}).`;
  if (code === 'EACCES') return `${where} is not allowed to this user: choose a port from 1024 on.`;
  return `${where} cannot be listened on (${code ?? message}).`;
}

/** `inDoubt`: another process may be the leader, or this one cannot become it. */
export type Role = 'leader' | 'standby' | 'inDoubt';

interface HealthServerOptions {
  /** Undefined: every address of this machine. */
  host: string | undefined;
  /** 0: any free one. */
  port: number;
  version: string;
  /** Called for each request. It answers from memory. */
  role: () => Role;
  /** By the name that `/readyz` shows. None of them decides about readiness. */
  checks: Readonly<Record<string, HealthCheck>>;
  /** With signed HTTP: handles `POST /slack/events`. */
  slackEvents: RequestListener | undefined;
}

/**
 * The server on `PORT`. `/healthz`: the process runs. `/readyz`: 200 for the leader and for a waiting standby. Slack, gateway
 * and store are only reported as `status`, because a restart of this process would repair none of them. `/leader`: 200 for
 * the leader alone, so that a load balancer can route `POST /slack/events`; any other process answers that with 503, so that
 * Slack repeats the event. Rejects with `ConfigError` if the port cannot be used.
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
