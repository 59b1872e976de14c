import { OpenConnection } from './connection/connection.ts';
import { GatewayError } from './errors.ts';
import { Interrupts } from './execution/interrupt.ts';
import type {
  ClientOptions,
  ConnectionEvent,
  ConnectOptions,
  Gateway,
  GatewaySettings,
  KernelConnection,
  Log,
} from './gateway.ts';
import { readEndpoints } from './http/endpoints.ts';
import { createHttp } from './http/http.ts';
import { createKernelsApi } from './http/kernels-api.ts';
import { KernelStarts } from './http/start-kernel.ts';
import { HubServer } from './hub/hub-server.ts';
import { DEFAULT_TIMINGS, type GatewayTimings } from './timings.ts';
import { timeoutSignal } from './until-aborted.ts';

/** Creates a client of one gateway. Tests pass shorter `timings`. */
export function createGatewayClient(
  settings: GatewaySettings,
  options: ClientOptions & { timings?: GatewayTimings },
): Gateway {
  const { log, credentials, mayWrite = () => true, hide, timings = DEFAULT_TIMINGS } = options;
  const { launchTimeoutMs } = settings;
  const endpoints = readEndpoints(settings, credentials, hide);
  const hub =
    settings.hub === undefined
      ? undefined
      : new HubServer(settings.hub, settings, { mayWrite, hide, timings, log });
  const plain = createHttp(settings, endpoints, mayWrite);
  const http = hub?.markStopped(plain) ?? plain;
  const api = createKernelsApi(http, settings, timings);
  const starts = new KernelStarts(api, hub, settings, timings, log);
  const interrupts = new Interrupts(api.interruptKernel, timings.interruptGapMs, log);
  const closing = new AbortController();
  const connections = new Set<OpenConnection>();
  /** Kernels that this client has started and not yet connected to. */
  const fresh = new Set<string>();

  const toKernel = (kernelId: string) =>
    [...connections].filter((connection) => connection.kernelId === kernelId);

  async function connect(kernelId: string, wanted: ConnectOptions): Promise<KernelConnection> {
    const { sessionId, signal, leave } = wanted;
    const connection = new OpenConnection(
      { settings, endpoints, timings, kernelId, sessionId, findKernel: api.findKernel, mayWrite },
      wanted.checkpoint,
      fresh.delete(kernelId),
      { interrupts, log },
      createEmit(kernelId, wanted.onEvent, log),
      () => connections.delete(connection),
    );
    connections.add(connection);
    const limit = timeoutSignal(launchTimeoutMs);
    const given = signal === undefined ? [] : [signal];
    try {
      await connection.open(AbortSignal.any([limit, closing.signal, ...given]), leave);
      return connection;
    } catch (cause) {
      await connection.close();
      if (leave?.aborted === true && connection.hasOpened) return connection;
      if (connection.goneWhy !== '') throw new GatewayError('kernelGone', connection.goneWhy, { cause });
      const waited = `The kernel gave no answer within ${launchTimeoutMs / 1000} s`;
      if (limit.aborted) throw new GatewayError('startFailed', waited, { cause });
      if (cause instanceof GatewayError) throw cause;
      throw new GatewayError('unreachable', 'Connecting to the kernel was given up by us', { cause });
    }
  }

  return {
    readInfo: api.readInfo,
    readKernelspecs: api.readKernelspecs,
    listKernels: api.listKernels,
    findKernel: api.findKernel,
    removeLost: (kernelId, onLost) => starts.search(kernelId, { onLost }),
    connect,
    ...(hub === undefined ? {} : { startServer: () => hub.start() }),

    async startKernel(start) {
      const model = await starts.start(start);
      fresh.add(model.id);
      return model;
    },

    async restartKernel(kernelId) {
      for (const { lifecycle } of toKernel(kernelId)) lifecycle.beginRestart();
      try {
        await api.restartKernel(kernelId, launchTimeoutMs + timings.startPadMs);
        for (const { lifecycle } of toKernel(kernelId)) lifecycle.endRestart(true);
      } catch (failure) {
        const isGone = failure instanceof GatewayError && failure.code === 'kernelGone';
        for (const connection of toKernel(kernelId)) {
          if (isGone) connection.onGone(failure.message);
          else connection.lifecycle.endRestart(false);
        }
        throw failure;
      }
    },

    async shutDownKernel(kernelId) {
      fresh.delete(kernelId);
      await api.deleteKernel(kernelId);
      endpoints.cookies.forget(kernelId);
      for (const connection of toKernel(kernelId)) connection.onGone('it was shut down');
    },

    saveCookies: (kernelId) => endpoints.cookies.save(kernelId),
    restoreCookies: (kernelId, saved) => endpoints.cookies.restore(kernelId, saved),

    async close() {
      closing.abort();
      starts.close();
      await Promise.all([...connections].map((connection) => connection.close()));
      await hub?.close();
      await http.close();
    },
  };
}

/** Calls the listener; an error that it throws is logged and does not break the connection. */
function createEmit(
  kernelId: string,
  onEvent: ConnectOptions['onEvent'],
  log: Log,
): (event: ConnectionEvent) => void {
  return (event) => {
    try {
      onEvent?.(event);
    } catch (cause) {
      log.error(
        { event: 'connection.event', kernelId, err: cause },
        'a listener of connection events failed',
      );
    }
  };
}
