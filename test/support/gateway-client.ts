import { randomUUID } from 'node:crypto';
import { createGatewayClient } from '../../src/gateway/client.ts';
import type {
  ClientOptions,
  ConnectionEvent,
  ConnectOptions,
  Gateway,
  GatewaySettings,
  KernelConnection,
} from '../../src/gateway/gateway.ts';
import type { ExecuteRequest, Execution, ExecutionEnd, KernelOutput } from '../../src/gateway/outputs.ts';
import { DEFAULT_TIMINGS, type GatewayTimings } from '../../src/gateway/timings.ts';
import { silentLog } from '../../src/log.ts';
import { type ScriptedGateway, type ScriptedKernel, startScriptedGateway } from './scripted-gateway.ts';

/** The client's own waits, scaled down: a scripted minute is a second. */
export const quickTimings: GatewayTimings = {
  ...DEFAULT_TIMINGS,
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
  goodbyeMs: 60,
  interruptGapMs: 150,
  stopIgnoredMs: 250,
  outageMs: 100,
  reopenMs: 10,
  reopenMaxMs: 50,
  reopenTimeoutMs: 5_000,
  settleMs: 150,
  exitMs: 200,
  shutdownLookMs: 80,
  staleMs: 1_000,
};

/** The client asks nothing of its own, however slow the machine is: for tests that count what is asked. */
export const withoutLooks: Partial<GatewayTimings> = {
  kernelInfoMs: 60_000,
  silenceMs: 60_000,
  firstLookMs: 60_000,
  staleMs: 60_000,
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

/** A scripted gateway and a client of it. Both end with the test (`await using`). */
export async function startRig(
  options: {
    settings?: Partial<GatewaySettings>;
    timings?: Partial<GatewayTimings>;
    client?: Partial<ClientOptions>;
  } = {},
): Promise<Rig> {
  const server = await startScriptedGateway();
  const timings = { ...quickTimings, ...options.timings };
  const gateway = createGatewayClient(settingsFor(server, options.settings), {
    log: silentLog,
    ...options.client,
    timings,
  });
  return {
    server,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await server.close();
    },
  };
}

export interface ConnectedRig extends Rig, WatchedConnection {
  kernel: ScriptedKernel;
}

/** The same with one kernel and a connection to it. */
export async function startConnectedRig(
  options: Parameters<typeof startRig>[0] & { prepare?: (kernel: ScriptedKernel) => void } = {},
): Promise<ConnectedRig> {
  const rig = await startRig(options);
  const kernel = rig.server.addKernel();
  options.prepare?.(kernel);
  const { connection, events, untilEvent } = await connectTo(rig.gateway, kernel.id);
  return { ...rig, kernel, connection, events, untilEvent };
}

/** An execution that the kernel has begun, and that has printed `text` if given. The test ends it (`kernel.end`). */
export async function runBegun(
  { kernel, connection }: Pick<ConnectedRig, 'kernel' | 'connection'>,
  text?: string,
  asked?: Parameters<typeof run>[1],
): Promise<Watched> {
  kernel.onExecute = (request) => {
    kernel.begin(request);
    if (text !== undefined) kernel.stream(request, text);
  };
  const running = run(connection, asked);
  await running.until(text === undefined ? 'started' : 'stream');
  return running;
}

export interface WatchedConnection {
  connection: KernelConnection;
  events: ConnectionEvent[];
  /** Resolves with the first event of this kind, past or coming. */
  untilEvent: UntilEvent;
}

type UntilEvent = <K extends ConnectionEvent['kind']>(
  kind: K,
) => Promise<Extract<ConnectionEvent, { kind: K }>>;

/** A connection whose events are recorded. */
export async function connectTo(
  gateway: Gateway,
  kernelId: string,
  options: Partial<ConnectOptions> = {},
): Promise<WatchedConnection> {
  const events: ConnectionEvent[] = [];
  const wakes = new Set<() => void>();
  const onEvent = (event: ConnectionEvent) => {
    events.push(event);
    for (const wake of wakes) wake();
  };
  const connection = await gateway.connect(kernelId, { sessionId: randomUUID(), ...options, onEvent });
  const untilEvent: UntilEvent = (kind) =>
    new Promise((resolve) => {
      const look = () => {
        const found = events.find((event) => isEvent(event, kind));
        if (found === undefined || !isEvent(found, kind)) return;
        wakes.delete(look);
        resolve(found);
      };
      wakes.add(look);
      look();
    });
  return { connection, events, untilEvent };
}

/** Starts an execution and reads its outputs at once. */
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
