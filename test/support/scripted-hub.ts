import { once } from 'node:events';
import { createServer } from 'node:http';
import { listen } from './sockets.ts';

/** The API of a JupyterHub. The test decides when its server starts and stops. */
export interface ScriptedHub extends AsyncDisposable {
  /** Ends with a slash. */
  apiUrl: string;
  state: 'stopped' | 'starting' | 'stopping' | 'checked' | 'running';
  /** `GET /hub/api/users/ana` and so on, in order. */
  readonly calls: string[];
  /** The answer to a start. Undefined: 202. */
  refuseStart: { status: number; message?: string } | undefined;
  /** Why the last start failed, as the hub tells it. Undefined: it says that nothing is starting. */
  failure: string | undefined;
  /** An answer to every request, as a proxy gives it while the hub restarts. Undefined: the usual answers. */
  away: number | undefined;
  /** Whether it answers nothing. */
  isSilent: boolean;
  /** Whether the token may not see the server's state. */
  isStateHidden: boolean;
  /** Resolves once the client asks whether the start is over. */
  untilAwaited(): Promise<void>;
}

export async function startScriptedHub(token: string, serverName = ''): Promise<ScriptedHub> {
  const calls: string[] = [];
  let onAwaited: () => void = () => undefined;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    calls.push(`${method} ${url}`);
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (hub.isSilent) return;
    if (hub.away !== undefined) return void response.writeHead(hub.away).end('<html>Service Unavailable');
    if (headers.authorization !== `token ${token}`) return send(403, { status: 403, message: 'Forbidden' });
    if (method === 'POST') {
      if (hub.refuseStart !== undefined)
        return send(hub.refuseStart.status, { message: hub.refuseStart.message ?? '' });
      if (hub.state !== 'stopped') return send(400, { message: 'ana is already running' });
      hub.state = 'starting';
      response.writeHead(202).end();
      return;
    }
    if (url.endsWith('/progress')) {
      if (hub.failure === undefined) return send(400, { message: 'ana is not starting...' });
      const event = { progress: 100, failed: true, message: hub.failure };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // As Python writes it.
      const data = JSON.stringify(event).replaceAll('ä', '\\u00e4');
      response.end(`\n\ndata: ${data}\n\n`);
      return;
    }
    if (hub.state === 'starting' || hub.state === 'checked') onAwaited();
    const pending = { starting: 'spawn', stopping: 'stop', checked: 'check', running: null, stopped: null }[
      hub.state
    ];
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
    failure: undefined,
    away: undefined,
    isSilent: false,
    isStateHidden: false,
    untilAwaited: () => new Promise((resolve) => (onAwaited = resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return hub;
}
