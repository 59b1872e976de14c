import { createServer, type RequestListener } from 'node:http';
import { ConfigError } from '../errors.ts';

/** When all else is closed, what is still under way has this long. */
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
export async function listen({ setting, host, port, answer }: ListenOptions): Promise<Listening> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError([refusal(setting, host, port, error)])),
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
        // One that was opened and says nothing (a load balancer's, a browser's) would keep us to the last second.
        setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS).unref();
      }),
  };
}

function refusal(
  setting: ListenOptions['setting'],
  host: string | undefined,
  port: number,
  error: NodeJS.ErrnoException,
): string {
  const where = host === undefined ? String(port) : `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${setting} ${where} is taken by another process: choose another port, or end that process.`;
    case 'EACCES':
      return `${setting} ${where} is not allowed to this user: choose a port from 1024 on.`;
    default:
      return `${setting} ${where} cannot be listened on (${error.code ?? error.message}).`;
  }
}
