import { randomUUID } from 'node:crypto';
import { type KernelGateway, type KernelGatewayOptions, startKernelGateway } from '../demo/gateway.ts';
import { showProgress } from '../demo/provision/progress.ts';
import { type Provisioned, provision } from '../demo/provision/provision.ts';
import { createGatewayClient } from '../src/gateway/client.ts';
import type { Gateway, KernelConnection } from '../src/gateway/gateway.ts';
import type { Execution, ExecutionEnd } from '../src/gateway/outputs.ts';
import { silentLog } from '../src/log.ts';

/** A real Kernel Gateway 3 without output limits, and our client connected to an ipykernel of it. */
export interface BenchSetting extends AsyncDisposable {
  provisioned: Provisioned;
  server: KernelGateway;
  wsUrl: string;
  gateway: Gateway;
  connection: KernelConnection;
}

export async function startBenchSetting(
  kernelspec = 'python3',
  options: Partial<KernelGatewayOptions> = {},
): Promise<BenchSetting> {
  const provisioned = await provision(process.env, showProgress(process.stderr));
  const server = await startKernelGateway({ provisioned, ...options });
  const wsUrl = server.url.replace(/^http/, 'ws');
  const gateway = createGatewayClient(
    {
      httpUrl: server.url,
      wsUrl,
      token: server.token,
      headers: {},
      tls: { verify: true },
      launchTimeoutMs: 120_000,
      maxMessageBytes: 32 * 2 ** 20,
      startConcurrency: 1,
    },
    { log: silentLog },
  );
  const model = await gateway.startKernel({ kernelspec, kernelId: randomUUID(), env: {} });
  const connection = await gateway.connect(model.id, { sessionId: randomUUID() });
  return {
    provisioned,
    server,
    wsUrl,
    gateway,
    connection,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await server.stop();
    },
  };
}

export function execute(connection: KernelConnection, code: string): Execution {
  return connection.execute({ msgId: randomUUID(), code, allowStdin: false });
}

/** Runs code to its end, its outputs read and dropped. */
export async function runToEnd(connection: KernelConnection, code: string): Promise<ExecutionEnd> {
  const execution = execute(connection, code);
  let next;
  const outputs = execution[Symbol.asyncIterator]();
  do next = await outputs.next();
  while (next.done !== true);
  return execution.end;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which this part of them lies, 0 to 1. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
