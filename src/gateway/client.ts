import { GatewayError } from './errors.ts';
import type { Log } from '../log.ts';
import { OpenConnection } from './connection/connection.ts';
import { readEndpoints } from './http/endpoints.ts';
import type { ConnectOptions, Gateway, GatewaySettings, KernelConnection, StartKernel } from './gateway.ts';
import { openHttp } from './http/http.ts';
import { openInterrupts } from './execution/interrupts.ts';
import { openRest } from './http/kernels-api.ts';
import { startKernel } from './http/start-kernel.ts';
import { defaultTimings, type GatewayTimings } from './timings.ts';
import { openTurns } from './http/semaphore.ts';

/** A client of one gateway. `timings` are for tests, which cannot wait as long as life does. */
export function openGateway(
  settings: GatewaySettings,
  log: Log,
  timings: GatewayTimings = defaultTimings,
): Gateway {
  const endpoints = readEndpoints(settings);
  const http = openHttp(settings, endpoints);
  const rest = openRest(http, timings);
  const turns = openTurns(settings.startConcurrency);
  const interrupts = openInterrupts({ rest, log, gapMs: timings.interruptGapMs });
  const closing = new AbortController();
  const connections = new Set<OpenConnection>();
  /** Started here and not connected to yet. */
  const fresh = new Set<string>();
  const { launchTimeoutMs } = settings;

  const toKernel = (kernelId: string) =>
    [...connections].filter((connection) => connection.kernelId === kernelId);

  async function connect(kernelId: string, options: ConnectOptions): Promise<KernelConnection> {
    const connection = new OpenConnection({
      settings,
      endpoints,
      timings,
      kernelId,
      sessionId: options.sessionId,
      upgradeTimeoutMs: launchTimeoutMs + timings.startPadMs,
      rest,
      interrupts,
      log,
      launchTimeoutMs,
      isFresh: fresh.delete(kernelId),
      left: options.left,
      onClosed: () => connections.delete(connection),
    });
    connections.add(connection);
    const limit = AbortSignal.timeout(launchTimeoutMs);
    const signals =
      options.signal === undefined ? [limit, closing.signal] : [limit, closing.signal, options.signal];
    try {
      await connection.open(AbortSignal.any(signals));
      return connection;
    } catch (failure) {
      await connection.close();
      if (limit.aborted) {
        throw new GatewayError(
          'startFailed',
          `The kernel gave no answer within ${launchTimeoutMs / 1000} s`,
          { cause: failure },
        );
      }
      if (failure instanceof GatewayError) throw failure;
      throw new GatewayError('unreachable', 'Connecting to the kernel was given up by us', {
        cause: failure,
      });
    }
  }

  return {
    readInfo: rest.readInfo,
    readKernelspecs: rest.readKernelspecs,
    listKernels: rest.listKernels,
    findKernel: rest.findKernel,
    connect,

    async startKernel(start: StartKernel) {
      const model = await startKernel(start, {
        rest,
        turns,
        timings,
        launchTimeoutMs,
        closing: closing.signal,
        log,
      });
      fresh.add(model.id);
      return model;
    },

    async restartKernel(kernelId) {
      for (const connection of toKernel(kernelId)) connection.life.beginRestart();
      try {
        await rest.restartKernel(kernelId, launchTimeoutMs + timings.startPadMs);
        for (const connection of toKernel(kernelId)) connection.life.endRestart(true);
      } catch (failure) {
        for (const connection of toKernel(kernelId)) {
          if (failure instanceof GatewayError && failure.code === 'kernelGone')
            connection.onGone(failure.message);
          else connection.life.endRestart(false);
        }
        throw failure;
      }
    },

    async shutDownKernel(kernelId) {
      fresh.delete(kernelId);
      await rest.deleteKernel(kernelId);
      for (const connection of toKernel(kernelId)) connection.onGone('it was shut down');
    },

    async close() {
      closing.abort();
      await Promise.all([...connections].map((connection) => connection.close()));
      await http.close();
    },
  };
}
