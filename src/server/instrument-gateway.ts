import { Counter, Histogram, type Registry } from 'prom-client';
import { GatewayError } from '../gateway/errors.ts';
import type { ConnectionEvent, Gateway } from '../gateway/gateway.ts';
import { watchCalls } from './health.ts';

/** A kernel's start is over when it answers on its websocket, which is long after the gateway's 201 (protocol.md §6). */
export function instrumentGateway(registry: Registry): (gateway: Gateway) => Gateway {
  const registers = [registry];
  const errors = new Counter({
    name: 'sparkthread_gateway_errors_total',
    help: 'Calls to the gateway that failed, by call and kind of failure',
    labelNames: ['call', 'code'],
    registers,
  });
  const drops = new Counter({
    name: 'sparkthread_gateway_disconnects_total',
    help: 'Websockets to kernels that broke',
    registers,
  });
  const starts = new Counter({
    name: 'sparkthread_kernel_starts_total',
    help: 'Kernels asked for, by kernelspec and result: ok, or the kind of failure',
    labelNames: ['kernelspec', 'result'],
    registers,
  });
  const startTimes = new Histogram({
    name: 'sparkthread_kernel_start_seconds',
    help: 'From the request for a kernel to its first answer, those that came up',
    labelNames: ['kernelspec'],
    buckets: [0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320],
    registers,
  });
  /** Asked for and not yet answering, by kernel id. */
  const starting = new Map<string, { kernelspec: string; sinceMs: number }>();

  async function counted<T>(call: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      errors.inc({ call, code: codeOf(error) });
      throw error;
    }
  }

  return (gateway) => ({
    ...watchCalls(gateway, (call, work) => (call === 'close' ? work : counted(call, work))),
    async shutDownKernel(kernelId) {
      starting.delete(kernelId);
      await counted('shutDownKernel', gateway.shutDownKernel(kernelId));
    },
    async startKernel(start) {
      const { kernelspec } = start;
      const sinceMs = performance.now();
      try {
        const model = await counted('startKernel', gateway.startKernel(start));
        starting.set(model.id, { kernelspec, sinceMs });
        return model;
      } catch (error) {
        starts.inc({ kernelspec, result: codeOf(error) });
        throw error;
      }
    },
    async connect(kernelId, options) {
      const start = starting.get(kernelId);
      starting.delete(kernelId);
      const onEvent = (event: ConnectionEvent): void => {
        if (event.kind === 'disconnected') drops.inc();
        options.onEvent?.(event);
      };
      try {
        const connection = await counted('connect', gateway.connect(kernelId, { ...options, onEvent }));
        if (start !== undefined) {
          starts.inc({ kernelspec: start.kernelspec, result: 'ok' });
          startTimes.observe({ kernelspec: start.kernelspec }, (performance.now() - start.sinceMs) / 1000);
        }
        return connection;
      } catch (error) {
        if (start !== undefined) starts.inc({ kernelspec: start.kernelspec, result: codeOf(error) });
        throw error;
      }
    },
  });
}

function codeOf(error: unknown): string {
  return error instanceof GatewayError ? error.code : 'broken';
}
