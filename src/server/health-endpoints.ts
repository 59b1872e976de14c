import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type HealthCheck, readHealth, STATUS_TIMEOUT_MS } from './health.ts';
import { listen, type Listening } from './http-server.ts';

/** `inDoubt`: this process cannot be sure that nobody else is the leader, or cannot become it. */
export type Role = 'leader' | 'standby' | 'inDoubt';

export interface HealthServerOptions {
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
