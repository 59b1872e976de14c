import { createServer, type RequestListener } from 'node:http';
import { ConfigError } from '../errors.ts';

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
