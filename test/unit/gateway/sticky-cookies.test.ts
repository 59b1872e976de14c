import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { Gateway } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/log.ts';
import { quickTimings, run, settingsFor } from '../../support/gateway-client.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startStickyBalancer } from '../../support/sticky-balancer.ts';

/** Three replicas of a gateway behind a balancer, each with kernels of its own. */
async function startReplicas(headers: Record<string, string> = {}) {
  const replicas = await Promise.all([1, 2, 3].map(() => startScriptedGateway()));
  const balancer = await startStickyBalancer(replicas.map(({ httpUrl }) => httpUrl));
  const gateways: Gateway[] = [];
  return {
    replicas,
    balancer,
    open(): Gateway {
      const gateway = createGatewayClient(settingsFor(balancer, { headers }), {
        log: silentLog,
        timings: quickTimings,
      });
      gateways.push(gateway);
      return gateway;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await balancer[Symbol.asyncDispose]();
      await Promise.all(replicas.map((replica) => replica.close()));
    },
  };
}

async function start(gateway: Gateway): Promise<string> {
  const started = await gateway.startKernel({ kernelspec: 'python3', kernelId: randomUUID(), env: {} });
  return started.id;
}

test('each kernel is found with its replica: calls, websockets, reconnects and restarts', async () => {
  await using rig = await startReplicas();
  const gateway = rig.open();
  const kernelIds = [await start(gateway), await start(gateway), await start(gateway), await start(gateway)];
  // Starts are spread: they carry no kernel's cookie.
  expect(rig.replicas.map(({ kernels }) => kernels.size)).toEqual([2, 1, 1]);
  for (const kernelId of kernelIds) {
    const connection = await gateway.connect(kernelId, { sessionId: randomUUID() });
    expect((await run(connection).end).kind).toBe('ok');
    await gateway.restartKernel(kernelId);
    expect(await gateway.findKernel(kernelId)).toMatchObject({ id: kernelId });
    await connection.close();
    await gateway.shutDownKernel(kernelId);
    expect(gateway.saveCookies(kernelId)).toBeUndefined();
  }
  const ofKernels = rig.balancer.routed.filter(({ path }) => path.startsWith('/api/kernels/'));
  expect(ofKernels.filter(({ isByCookie }) => !isByCookie)).toEqual([]);
});

test('a later process finds the kernel by the cookies that were stored with it', async () => {
  await using rig = await startReplicas();
  const earlier = rig.open();
  await start(earlier);
  const kernelId = await start(earlier);
  const saved = earlier.saveCookies(kernelId);
  await earlier.close();
  const later = rig.open();
  later.restoreCookies(kernelId, saved ?? '');
  expect(await later.findKernel(kernelId)).toMatchObject({ id: kernelId });
  const connection = await later.connect(kernelId, { sessionId: randomUUID() });
  expect((await run(connection).end).kind).toBe('ok');
});

test('cookies of the settings are sent too, and are never overridden', async () => {
  await using rig = await startReplicas({ Cookie: 'team=data; ROUTE=r2' });
  const gateway = rig.open();
  const kernelId = await start(gateway);
  expect(rig.replicas[2]?.kernels.size).toBe(1);
  expect(await gateway.findKernel(kernelId)).toMatchObject({ id: kernelId });
  const cookies = rig.replicas[2]?.calls.map(({ headers }) => headers.cookie);
  expect(new Set(cookies)).toEqual(new Set(['team=data; ROUTE=r2']));
});

test('unreadable stored cookies are ignored', async () => {
  await using rig = await startReplicas();
  const gateway = rig.open();
  for (const saved of ['', '{', '[{"name":1}]', '"x"']) {
    gateway.restoreCookies('k', saved);
    expect(gateway.saveCookies('k')).toBeUndefined();
  }
});
