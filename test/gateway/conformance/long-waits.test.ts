import { randomUUID } from 'node:crypto';
import { describe, expect, inject, test } from 'vitest';
import { type KernelGateway, type KernelGatewayOptions, startKernelGateway } from '../../../demo/gateway.ts';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { Gateway, GatewaySettings } from '../../../src/gateway/gateway.ts';
import { silentLog } from '../../../src/log.ts';
import { startEnterpriseGateway } from '../../support/backends/enterprise-gateway.ts';
import { startKernelGateway2 } from '../../support/backends/kernel-gateway-2.ts';
import { startFaultFront } from '../../support/fault-front.ts';
import { connectTo, kindsOf, run, settingsFor, textOf } from '../../support/gateway-client.ts';

/** The waits that the scripted tests scale down, each once at its real length on a real server. */

const backends = inject('backends');

function clientOf(server: { url: string; token: string }, more: Partial<GatewaySettings> = {}): Gateway {
  const urls = { httpUrl: server.url, wsUrl: server.url.replace(/^http/, 'ws') };
  return createGatewayClient(settingsFor(urls, { token: server.token, launchTimeoutMs: 120_000, ...more }), {
    log: silentLog,
  });
}

async function withGateway(
  use: (gateway: Gateway, server: KernelGateway) => Promise<void>,
  options: Partial<KernelGatewayOptions> = {},
): Promise<void> {
  await using server = await startKernelGateway({ provisioned: backends, ...options });
  const gateway = clientOf(server);
  try {
    await use(gateway, server);
  } finally {
    await gateway.close();
  }
}

const start = (kernelspec: string) => ({
  kernelspec,
  kernelId: randomUUID(),
  env: { KERNEL_USERNAME: 'tester' },
});

describe('kernels that do not come up', { concurrent: true }, () => {
  test('a kernel process that ends at once is reported when the gateway gives it up, long before the websocket closes', async () => {
    await withGateway(async (_, server) => {
      // The gateway gives up after 17 s and holds the websocket for 60 s, which is longer than this client waits.
      const impatient = clientOf(server, { launchTimeoutMs: 50_000 });
      const model = await impatient.startKernel(start('broken-exit'));
      const connecting = impatient.connect(model.id, { sessionId: randomUUID() });
      await expect(connecting).rejects.toMatchObject({
        code: 'startFailed',
        message: expect.stringContaining('the gateway gave it up'),
      });
      await impatient.close();
    });
  });

  test('trap 35: for a process that never answers the upgrade waits 60 s, then is silent; the launch time-out ends it', async () => {
    await withGateway(async (gateway, server) => {
      const impatient = clientOf(server, { launchTimeoutMs: 70_000 });
      const model = await gateway.startKernel(start('broken-hang'));
      const connecting = impatient.connect(model.id, { sessionId: randomUUID() });
      await expect(connecting).rejects.toMatchObject({
        code: 'startFailed',
        message: expect.stringContaining('70 s'),
      });
      await gateway.shutDownKernel(model.id);
      await impatient.close();
    });
  });

  test('a process that starts only once is reported as died, then as gone', async () => {
    await withGateway(async (gateway) => {
      const model = await gateway.startKernel(start('broken-once'));
      const { connection, untilEvent } = await connectTo(gateway, model.id);
      const gone = untilEvent('kernelGone');
      expect(await run(connection, { code: 'import os; os._exit(1)' }).end).toMatchObject({
        kind: 'kernelDied',
      });
      await gone;
      expect(await run(connection).end).toMatchObject({ kind: 'notSent' });
      expect(await gateway.findKernel(model.id)).toBeUndefined();
    });
  });
});

// Only Linux lets the gateway hold a port that the kernel will listen on.
test.skipIf(process.platform !== 'linux')(
  'the gateways that the demo and these tests start lose no kernel to a program that wants its port',
  async () => {
    await withGateway(async (gateway) => {
      const model = await gateway.startKernel(start('contested-port'));
      const { connection } = await connectTo(gateway, model.id);
      expect(await run(connection, { code: '40 + 2' }).end).toMatchObject({ kind: 'ok' });
    });
  },
);

test('trap 1: a culled kernel is found although its websocket stays open', async () => {
  const extraArguments = [
    '--MappingKernelManager.cull_idle_timeout=3',
    '--MappingKernelManager.cull_interval=1',
    '--MappingKernelManager.cull_connected=True',
  ];
  await withGateway(
    async (gateway) => {
      const model = await gateway.startKernel(start('python3'));
      const { untilEvent } = await connectTo(gateway, model.id);
      expect(await untilEvent('kernelGone')).toMatchObject({ kind: 'kernelGone' });
    },
    { extraArguments },
  );
});

test('traps 27, 28: the gateway’s own output limit is reported', async () => {
  await withGateway(
    async (gateway) => {
      const model = await gateway.startKernel(start('python3'));
      const connection = await gateway.connect(model.id, { sessionId: randomUUID() });
      const printing = run(connection, { code: 'print("x" * 20_000_000)' });
      expect(await printing.end).toMatchObject({ kind: 'ok', possibleGap: true });
      expect(printing.outputs).toContainEqual({ kind: 'dropped', limit: 'data' });
      expect(textOf(printing.outputs, 'stderr')).toBe('');
      const many =
        'import sys\nfor i in range(12000):\n    sys.stdout.write("l\\n"); sys.stdout.flush()\n1/0';
      const failing = run(connection, { code: many });
      expect(await failing.end).toMatchObject({ kind: 'raised', possibleGap: true });
      expect(failing.outputs).toContainEqual({ kind: 'dropped', limit: 'messages' });
      expect(await failing.until('error')).toMatchObject({ name: 'ZeroDivisionError' });
    },
    { isRateLimited: true },
  );
});

test('the gateway’s limit of kernels is reported', async () => {
  await withGateway(
    async (gateway) => {
      await gateway.startKernel(start('python3'));
      await expect(gateway.startKernel(start('python3'))).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('Resource Limit'),
      });
    },
    { extraArguments: ['--KernelGatewayApp.max_kernels=1'] },
  );
});

test('trap 2: simultaneous starts do not mix their env', async () => {
  await withGateway(async (gateway) => {
    const names = ['alice', 'bob', 'carol'];
    const models = await Promise.all(
      names.map((name) =>
        gateway.startKernel({ ...start('python3'), env: { KERNEL_USERNAME: name, KERNEL_LAB: name } }),
      ),
    );
    const later = await gateway.startKernel({ ...start('python3'), env: {} });
    const told = [];
    for (const model of [...models, later]) {
      const connection = await gateway.connect(model.id, { sessionId: randomUUID() });
      const running = run(connection, { code: 'import os; print(os.environ.get("KERNEL_LAB"))' });
      await running.end;
      told.push(textOf(running.outputs).trim());
    }
    expect(told).toEqual([...names, 'None']);
  });
});

test('trap 51: after a restart of the gateway its kernels are gone', async () => {
  const server = await startKernelGateway({ provisioned: backends });
  const gateway = clientOf(server);
  const model = await gateway.startKernel(start('python3'));
  const connection = await gateway.connect(model.id, { sessionId: randomUUID() });
  const running = run(connection, { code: 'import time\nprint("in", flush=True)\ntime.sleep(60)' });
  await running.until('stream');
  await server.stop();
  await running.until('disconnected');
  await using again = await startKernelGateway({
    provisioned: backends,
    token: server.token,
    port: Number(new URL(server.url).port),
  });
  expect(await running.end).toMatchObject({ kind: 'kernelGone', variablesLost: true });
  expect(kindsOf(running.outputs)).not.toContain('reconnected');
  expect(await gateway.findKernel(model.id)).toBeUndefined();
  expect(again.token).toBe(server.token);
  await gateway.close();
});

const honouring = {
  'Kernel Gateway 3': () => startKernelGateway({ provisioned: backends }),
  'Enterprise Gateway': () => startEnterpriseGateway(backends),
};
test.for(Object.entries(honouring))(
  'trap 3: a lost start leaves no kernel on %s',
  async ([, startServer]) => {
    await using server = await startServer();
    await using front = await startFaultFront(server.url);
    const direct = clientOf(server);
    const gateway = clientOf({ url: `${front.httpUrl}/`, token: server.token });
    // The gateway takes longer for the start than this front waits.
    front.faults = { cutHttpAfterMs: 1 };
    const lost = start('python3');
    await expect(gateway.startKernel(lost)).rejects.toMatchObject({ code: 'unreachable' });
    front.faults = {};
    await expect.poll(() => direct.findKernel(lost.kernelId)).toBeUndefined();
    await expect.poll(() => direct.listKernels(), { interval: 500 }).toEqual([]);
    await gateway.close();
    await direct.close();
  },
);

test('trap 4: no subprotocol is offered to Kernel Gateway 2, which knows none', async () => {
  await using server = await startKernelGateway2(backends);
  const gateway = clientOf(server);
  const model = await gateway.startKernel(start('python3'));
  const connection = await gateway.connect(model.id, { sessionId: randomUUID() });
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  await gateway.close();
});

test('trap 13: a second owner of the session evicts the first, which does not reconnect again and again', async () => {
  await withGateway(async (gateway, server) => {
    const model = await gateway.startKernel(start('python3'));
    const sessionId = randomUUID();
    const { connection: first, untilEvent } = await connectTo(gateway, model.id, { sessionId });
    const evicted = untilEvent('disconnected');
    const other = clientOf(server);
    const second = await other.connect(model.id, { sessionId });
    await evicted;
    // Both can still run, one after the other.
    expect(['ok', 'outputLost', 'unknown']).toContain((await run(second).end).kind);
    await second.close();
    await other.close();
    expect(await run(first).end).toMatchObject({ kind: 'ok' });
  });
});
