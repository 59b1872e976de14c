import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './sockets.ts';

/** A server in place of Spark's REST API. */
export interface StatusServer extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  url: string;
  /** Path and query of each request, in order. */
  readonly asked: readonly string[];
  readonly headers: readonly IncomingMessage['headers'][];
  /** The answers by path without query: a value is sent as JSON, a function answers itself. Other paths get 404. */
  answers: Record<string, unknown>;
  untilAsked(count: number): Promise<void>;
}

export async function startStatusServer(answers: Record<string, unknown> = {}): Promise<StatusServer> {
  const asked: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const events = new EventEmitter();
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    headers.push(request.headers);
    const answer = started.answers[request.url?.split('?', 1)[0] ?? ''];
    if (typeof answer === 'function') (answer as (to: ServerResponse) => void)(response);
    else if (answer === undefined) response.writeHead(404).end('<html>no such application</html>');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    events.emit('asked');
  });
  const port = await listen(server);
  const started: StatusServer = {
    url: `http://127.0.0.1:${port}`,
    asked,
    headers,
    answers,
    async untilAsked(count) {
      while (asked.length < count) await once(events, 'asked');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return started;
}

/** A job as Spark 3.5 writes it. */
export function statusJob(jobId: number, beganMs: number, more: object = {}): object {
  return {
    jobId,
    name: 'count at <console>:23',
    submissionTime: statusTime(beganMs),
    stageIds: [jobId],
    status: 'RUNNING',
    numTasks: 0,
    numActiveTasks: 0,
    numCompletedTasks: 0,
    numSkippedTasks: 0,
    numFailedTasks: 0,
    numKilledTasks: 0,
    numCompletedIndices: 0,
    numActiveStages: 1,
    numCompletedStages: 0,
    numSkippedStages: 0,
    numFailedStages: 0,
    killedTasksSummary: {},
    ...more,
  };
}

/** An application in Spark's list, with one attempt. */
export function statusApplication(
  id: string,
  beganMs: number,
  more: object = {},
  attempt: object = {},
): object {
  return {
    id,
    name: 'Spark shell',
    attempts: [{ startTime: statusTime(beganMs), endTime: statusTime(-1), completed: false, ...attempt }],
    ...more,
  };
}

export function statusTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', 'GMT');
}
