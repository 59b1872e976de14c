import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { listen } from './sockets.ts';

/** The API of a JupyterHub. The test decides when its server starts and stops. */
export interface ScriptedHub extends AsyncDisposable {
  /** Ends with a slash. */
  apiUrl: string;
  state: 'stopped' | 'starting' | 'stopping' | 'running';
  /** `GET /hub/api/users/ana` and so on, in order. */
  readonly calls: string[];
  /** The answer to a start. Undefined: 202. */
  refuseStart: { status: number; message?: string } | undefined;
  /** An answer to every request, as a proxy gives it while the hub restarts. Undefined: the usual answers. */
  away: number | undefined;
  /** Whether the token may not see the server's state. */
  isStateHidden: boolean;
  /** Resolves once the client reads the progress of the start. */
  untilFollowed(): Promise<void>;
  /** The start succeeds. */
  succeed(): void;
  /** The start fails with these words. */
  fail(message: string): void;
  /** Ends the stream of progress without a result. */
  breakOff(): void;
}

export async function startScriptedHub(token: string, serverName = ''): Promise<ScriptedHub> {
  const calls: string[] = [];
  const following = new Set<ServerResponse>();
  let onFollowed: () => void = () => undefined;
  const tell = (event: object): void => {
    for (const response of following) response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  const endAll = (): void => {
    for (const response of following) response.end();
    following.clear();
  };
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    calls.push(`${method} ${url}`);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (hub.away !== undefined) return void response.writeHead(hub.away).end('<html>Service Unavailable');
    if (headers.authorization !== `token ${token}`) return send(403, { status: 403, message: 'Forbidden' });
    if (url.endsWith('/progress')) {
      if (hub.state !== 'starting') return send(400, { message: 'ana is not starting' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      following.add(response);
      tell({ progress: 0, message: 'Server requested' });
      onFollowed();
      return;
    }
    if (method === 'POST') {
      if (hub.refuseStart !== undefined)
        return send(hub.refuseStart.status, { message: hub.refuseStart.message ?? '' });
      if (hub.state !== 'stopped') return send(400, { message: 'ana is already running' });
      hub.state = 'starting';
      response.writeHead(202).end();
      return;
    }
    const pending = { starting: 'spawn', stopping: 'stop', running: null, stopped: null }[hub.state];
    const known = { ready: hub.state === 'running', pending };
    send(200, {
      name: 'ana',
      ...(hub.isStateHidden ? {} : { servers: hub.state === 'stopped' ? {} : { [serverName]: known } }),
    });
  });
  const port = await listen(server);
  const hub: ScriptedHub = {
    apiUrl: `http://127.0.0.1:${port}/hub/api/`,
    state: 'stopped',
    calls,
    refuseStart: undefined,
    away: undefined,
    isStateHidden: false,
    untilFollowed: () =>
      following.size > 0 ? Promise.resolve() : new Promise((resolve) => (onFollowed = resolve)),
    succeed() {
      hub.state = 'running';
      tell({ progress: 100, ready: true, message: 'Server ready' });
      endAll();
    },
    fail(message) {
      hub.state = 'stopped';
      tell({ progress: 100, failed: true, message });
      endAll();
    },
    breakOff: endAll,
    async [Symbol.asyncDispose]() {
      endAll();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return hub;
}
