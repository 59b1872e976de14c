import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startRig } from '../../../support/gateway-client.ts';

test('other paths are used by every call and by the websocket', async () => {
  await using rig = await startRig({ settings: { kernelsPath: 'v4/kernels', kernelspecsPath: 'v4/specs' } });
  const { gateway, server } = rig;
  server.answer = () => ({ status: 404 });
  const id = randomUUID();
  await gateway.readKernelspecs().catch(() => undefined);
  await gateway.listKernels().catch(() => undefined);
  await gateway.findKernel(id).catch(() => undefined);
  await gateway.startKernel({ kernelspec: 'python3', kernelId: id, env: {} }).catch(() => undefined);
  await gateway.restartKernel(id).catch(() => undefined);
  await gateway.shutDownKernel(id).catch(() => undefined);
  await gateway.connect(id, { sessionId: 's' }).catch(() => undefined);
  const paths = new Set(server.calls.map(({ path }) => path.replace(id, 'ID')));
  expect([...paths].toSorted()).toEqual([
    '/v4/kernels',
    '/v4/kernels/ID',
    '/v4/kernels/ID/channels',
    '/v4/kernels/ID/restart',
    '/v4/specs',
  ]);
});

test('a start’s body has the given fields, which cannot override the client’s own', async () => {
  const startBody = { engine: { size: 2 }, name: 'another' };
  await using rig = await startRig({ settings: { startBody } });
  const kernelId = randomUUID();
  await rig.gateway.startKernel({ kernelspec: 'python3', kernelId, env: { A: 'b' } });
  const call = rig.server.calls.find(({ method }) => method === 'POST');
  expect(call?.body).toMatchObject({
    engine: { size: 2 },
    name: 'python3',
    kernel_id: kernelId,
    env: { A: 'b', KERNEL_ID: kernelId },
  });
});
