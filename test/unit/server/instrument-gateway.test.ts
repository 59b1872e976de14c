import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { GatewayError } from '../../../src/gateway/errors.ts';
import type { ConnectOptions, Gateway } from '../../../src/gateway/gateway.ts';
import { instrumentGateway } from '../../../src/server/instrument.ts';

const START = { kernelspec: 'python3', kernelId: 'k', env: {} };

function createGateway() {
  let failure: GatewayError | undefined;
  let options: ConnectOptions | undefined;
  const gateway = {
    findKernel: async () => (failure === undefined ? undefined : Promise.reject(failure)),
    startKernel: async () => ({ id: 'k', name: 'python3', executionState: 'starting' }),
    connect: async (_: string, given: ConnectOptions) => void (options = given),
    saveCookies: () => 'cookies',
    close: async () => Promise.reject(new Error('closed twice')),
  } as unknown as Gateway;
  const registry = new Registry();
  return {
    gateway: instrumentGateway(registry)(gateway),
    fail: () => (failure = new GatewayError('unreachable', 'away')),
    disconnect: () => options?.onEvent?.({ kind: 'disconnected' }),
    read: async (name: string) => await registry.getSingleMetricAsString(name),
  };
}

test('calls that fail are counted by call and kind of failure, and fail as before', async () => {
  const { gateway, fail, read } = createGateway();
  expect(await gateway.findKernel('k')).toBeUndefined();
  fail();
  await expect(gateway.findKernel('k')).rejects.toThrow('away');
  await expect(gateway.close()).rejects.toThrow('closed twice');
  expect(gateway.saveCookies('k')).toBe('cookies');
  const counted = await read('sparkthread_gateway_errors_total');
  expect(counted).toContain('{call="findKernel",code="unreachable"} 1');
  expect(counted).not.toContain('close');
});

test('a kernel has started when it answers; a websocket that breaks is counted', async () => {
  const { gateway, disconnect, read } = createGateway();
  await gateway.startKernel(START);
  expect(await read('sparkthread_kernel_starts_total')).not.toContain('python3');
  await gateway.connect('k', { sessionId: 's' });
  expect(await read('sparkthread_kernel_starts_total')).toContain('{kernelspec="python3",result="ok"} 1');
  disconnect();
  expect(await read('sparkthread_gateway_disconnects_total')).toContain(' 1');
});
