import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type HealthCheck, readReadiness } from './health.ts';
import { listen, type Listening } from './http-server.ts';

/** An orchestrator's probe gives up after some seconds, so the answer comes before that. */
const READY_PATIENCE_MS = 3_000;

export interface FrontOptions {
  /** 0: any free one. */
  port: number;
  /** By the name under which `/readyz` shows it. */
  checks: Readonly<Record<string, HealthCheck>>;
  /** Signed HTTP mode: what takes `POST /slack/events`. */
  slackEvents: RequestListener | undefined;
}

/**
 * The server on `PORT`: `/healthz` says that the process lives, `/readyz` whether Slack, the gateway and the store
 * answer (200 or 503, JSON with a reason for each), and in signed HTTP mode Slack's requests come in here.
 * Throws `ConfigError` when the port cannot be had.
 */
export async function startFront({ port, checks, slackEvents }: FrontOptions): Promise<Listening> {
  return await listen({
    setting: 'PORT',
    host: undefined,
    port,
    answer(request, response) {
      const path = request.url?.split('?', 1)[0];
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      if (path === '/healthz' && isRead) tell(request, response, 200, { alive: true });
      else if (path === '/readyz' && isRead) void tellReadiness(request, response, checks);
      else if (path === '/slack/events' && request.method === 'POST' && slackEvents !== undefined)
        slackEvents(request, response);
      else tell(request, response, 404, { error: 'there is nothing here' });
    },
  });
}

async function tellReadiness(
  request: IncomingMessage,
  response: ServerResponse,
  checks: FrontOptions['checks'],
): Promise<void> {
  const { ready, parts } = await readReadiness(checks, READY_PATIENCE_MS);
  tell(request, response, ready ? 200 : 503, { ready, ...parts });
}

function tell(request: IncomingMessage, response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`);
}
