import { randomUUID } from 'node:crypto';
import type {
  ConnectionEvent,
  ExecuteRequest,
  Execution,
  Gateway,
  GatewaySettings,
  KernelConnection,
} from '../../src/gateway/gateway.ts';
import { openGateway } from '../../src/gateway/client.ts';
import type { ExecutionEnd, KernelOutput } from '../../src/gateway/outputs.ts';
import { defaultTimings, type GatewayTimings } from '../../src/gateway/timings.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { type ScriptedGateway, type ScriptedKernel, startScriptedGateway } from './scripted-gateway.ts';

/** The client's own waits, so much shorter that a scripted minute is a second. */
export const quickTimings: GatewayTimings = {
  ...defaultTimings,
  startPadMs: 200,
  lostStartLookMs: 20,
  upgradeLookMs: 50,
  lookTimeoutMs: 10_000,
  kernelInfoMs: 50,
  silenceMs: 200,
  firstLookMs: 60,
  graceMs: 150,
  idleGraceMs: 150,
  lingerMs: 60,
  errorLingerMs: 150,
  farewellMs: 60,
  interruptGapMs: 150,
  stopIgnoredMs: 250,
  awayMs: 100,
  reopenMs: 10,
  reopenMaxMs: 50,
  patienceMs: 5_000,
  settleMs: 150,
  exitMs: 200,
  shutdownLookMs: 80,
  deafMs: 200,
};

export function settingsFor(
  urls: { httpUrl: string; wsUrl: string },
  more: Partial<GatewaySettings> = {},
): GatewaySettings {
  return {
    headers: {},
    tls: { verify: true },
    launchTimeoutMs: 20_000,
    maxMessageBytes: 32 * 2 ** 20,
    startConcurrency: 1,
    httpUrl: urls.httpUrl,
    wsUrl: urls.wsUrl,
    ...more,
  };
}

export interface Rig extends AsyncDisposable {
  server: ScriptedGateway;
  gateway: Gateway;
}

/** A scripted gateway and a client of it; both end with the test (`await using`). */
export async function startRig(
  options: { settings?: Partial<GatewaySettings>; timings?: Partial<GatewayTimings>; log?: Log } = {},
): Promise<Rig> {
  const server = await startScriptedGateway();
  const timings = { ...quickTimings, ...options.timings };
  const gateway = openGateway(settingsFor(server, options.settings), options.log ?? silentLog, timings);
  return {
    server,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await server.close();
    },
  };
}

export interface ConnectedRig extends Rig {
  kernel: ScriptedKernel;
  connection: KernelConnection;
  events: ConnectionEvent[];
}

/** The same with one kernel, connected. */
export async function startConnectedRig(
  options: Parameters<typeof startRig>[0] & { prepare?: (kernel: ScriptedKernel) => void } = {},
): Promise<ConnectedRig> {
  const rig = await startRig(options);
  const kernel = rig.server.addKernel();
  options.prepare?.(kernel);
  const connection = await rig.gateway.connect(kernel.id, { sessionId: randomUUID() });
  const events: ConnectionEvent[] = [];
  connection.onEvent((event) => events.push(event));
  return { ...rig, kernel, connection, events };
}

/** Starts an execution; unlike the product it reads the outputs as they come, so that nothing is held back. */
export function run(
  connection: KernelConnection,
  more: Partial<ExecuteRequest> = {},
  onOutput?: (output: KernelOutput) => void,
): Watched {
  const execution = connection.execute({ msgId: randomUUID(), code: '1', allowStdin: false, ...more });
  return watch(execution, onOutput);
}

export interface Watched {
  execution: Execution;
  outputs: KernelOutput[];
  /** Settles when the outputs have ended and so has the execution. */
  end: Promise<ExecutionEnd>;
  /** Resolves with the first output of this kind, past or coming; rejects when the execution ends without one. */
  until<K extends KernelOutput['kind']>(kind: K): Promise<Extract<KernelOutput, { kind: K }>>;
}

export function watch(execution: Execution, onOutput?: (output: KernelOutput) => void): Watched {
  const outputs: KernelOutput[] = [];
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of waiters) waiter();
  };
  const reading = (async () => {
    for await (const output of execution) {
      outputs.push(output);
      onOutput?.(output);
      wake();
    }
    return execution.end;
  })();
  return {
    execution,
    outputs,
    end: reading,
    until: (kind) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = outputs.find((output) => isKind(output, kind));
          if (found === undefined || !isKind(found, kind)) return;
          waiters.delete(look);
          resolve(found);
        };
        waiters.add(look);
        look();
        reading.then((end) => reject(new Error(`ended as ${end.kind} without ${kind}`)), reject);
      }),
  };
}

function isKind<K extends KernelOutput['kind']>(
  output: KernelOutput,
  kind: K,
): output is Extract<KernelOutput, { kind: K }> {
  return output.kind === kind;
}

/** Resolves with the first event of this kind, past or coming. */
export function untilEvent<K extends ConnectionEvent['kind']>(
  connection: KernelConnection,
  kind: K,
): Promise<Extract<ConnectionEvent, { kind: K }>> {
  return new Promise((resolve) => {
    const stop = connection.onEvent((event) => {
      if (!isEvent(event, kind)) return;
      queueMicrotask(() => stop());
      resolve(event);
    });
  });
}

function isEvent<K extends ConnectionEvent['kind']>(
  event: ConnectionEvent,
  kind: K,
): event is Extract<ConnectionEvent, { kind: K }> {
  return event.kind === kind;
}

export function kindsOf(outputs: readonly KernelOutput[]): string[] {
  return outputs.map((output) => output.kind);
}

export function textOf(outputs: readonly KernelOutput[], name: 'stdout' | 'stderr' = 'stdout'): string {
  return outputs
    .map((output) => (output.kind === 'stream' && output.name === name ? output.text : ''))
    .join('');
}
