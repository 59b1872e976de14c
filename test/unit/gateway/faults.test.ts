import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as openSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { Gateway, KernelConnection } from '../../../src/gateway/gateway.ts';
import type { GatewayTimings } from '../../../src/gateway/timings.ts';
import { silentLog } from '../../../src/log.ts';
import { type Faults, type FaultFront, startFaultFront } from '../../support/fault-front.ts';
import {
  kindsOf,
  quickTimings,
  run,
  runBegun,
  settingsFor,
  textOf,
  watch,
} from '../../support/gateway-client.ts';
import {
  type ScriptedGateway,
  type ScriptedKernel,
  startScriptedGateway,
} from '../../support/scripted-gateway.ts';

/** The client through a bad front to a healthy scripted gateway. */

interface FrontRig extends AsyncDisposable {
  server: ScriptedGateway;
  front: FaultFront;
  gateway: Gateway;
  kernel: ScriptedKernel;
}

async function startFrontRig(
  faults: Faults = {},
  timings: Partial<GatewayTimings> = {},
  seed = 1,
): Promise<FrontRig> {
  const server = await startScriptedGateway();
  const front = await startFaultFront(server.httpUrl, seed);
  front.faults = faults;
  const gateway = createGatewayClient(settingsFor(front, { launchTimeoutMs: 5_000 }), {
    log: silentLog,
    timings: { ...quickTimings, ...timings },
  });
  return {
    server,
    front,
    gateway,
    kernel: server.addKernel(),
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await front[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

function connected(rig: FrontRig): Promise<KernelConnection> {
  return rig.gateway.connect(rig.kernel.id, { sessionId: randomUUID() });
}

test('a proxy without faults changes nothing', async () => {
  await using rig = await startFrontRig();
  const connection = await connected(rig);
  const done = run(connection);
  expect(await done.end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test.for([1, 2, 3, 4, 5, 6, 7, 8])(
  'seed %d: a connection that breaks every few frames loses and doubles nothing',
  async (seed) => {
    // On a machine at work one proof may take more frames than any connection lives: the breaks have an end.
    const dropsAfterFrames = { fewest: 3, most: 12, times: 20 };
    await using rig = await startFrontRig({ dropsAfterFrames }, {}, seed);
    const connection = await connected(rig);
    rig.kernel.onExecute = (request, kernel) => {
      kernel.begin(request);
      let line = 0;
      const print = setInterval(() => {
        line += 1;
        if (line <= 40) return kernel.stream(request, `${line}\n`);
        clearInterval(print);
        kernel.end(request);
      }, 5);
    };
    const running = run(connection);
    const end = await running.end;
    const lines = textOf(running.outputs).split('\n').filter(Boolean).map(Number);
    // Frames inside the front when it cuts are lost, as in a dead TCP connection; what comes keeps order, once each.
    expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
    expect(['ok', 'outputLost', 'unknown']).toContain(end.kind);
    if (lines.length < 40) expect(end.possibleGap).toBe(true);
    expect(rig.front.done.drops).toBeGreaterThan(0);
    expect(
      rig.kernel.received.filter((message) => message.header.msg_type === 'execute_request').length,
    ).toBeLessThanOrEqual(1);
  },
);

test('frames that arrive late and unevenly', async () => {
  await using rig = await startFrontRig({ delayMs: 20 });
  const connection = await connected(rig);
  rig.kernel.onExecute = (request, kernel) => kernel.run(request, 'slow');
  const running = run(connection);
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
  expect(textOf(running.outputs)).toBe('slow');
});

test('trap 37: a stalled wire is found by unanswered pings', async () => {
  await using rig = await startFrontRig({}, { busyPingMs: 40 });
  const connection = await connected(rig);
  const running = await runBegun({ ...rig, connection });
  rig.front.stall();
  await running.until('reconnected');
  rig.kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

/** A connection to a server that brings 16 KiB each 10 ms. */
async function startSlowWire(url: string): Promise<{ wsUrl: string } & AsyncDisposable> {
  const wire = createServer((client) => {
    const upstream = openSocket(Number(new URL(url).port), '127.0.0.1');
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.pipe(upstream);
    client.on('close', () => upstream.destroy());
    const bring = async () => {
      for await (const chunk of upstream)
        for (let at = 0; at < chunk.length; at += 16_384) {
          client.write(chunk.subarray(at, at + 16_384));
          await delay(10);
        }
      client.end();
    };
    bring().catch(() => client.destroy());
  });
  wire.listen(0, '127.0.0.1');
  await once(wire, 'listening');
  const address = wire.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    wsUrl: `ws://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      wire.close();
      await once(wire, 'close');
    },
  };
}

describe('a long message on a slow wire is waited for while its bytes come', () => {
  const long = 'x'.repeat(1_000_000);

  async function startSlowRig() {
    const server = await startScriptedGateway();
    const wire = await startSlowWire(server.httpUrl);
    const settings = settingsFor({ httpUrl: server.httpUrl, wsUrl: wire.wsUrl });
    const timings = { ...quickTimings, busyPingMs: 100, staleMs: 300 };
    const gateway = createGatewayClient(settings, { log: silentLog, timings });
    return {
      gateway,
      kernel: server.addKernel(),
      async [Symbol.asyncDispose]() {
        await gateway.close();
        await wire[Symbol.asyncDispose]();
        await server.close();
      },
    };
  }

  test('the pings that wait behind it do not end the websocket', async () => {
    await using rig = await startSlowRig();
    rig.kernel.onExecute = (request, kernel) => kernel.run(request, long);
    const running = run(await rig.gateway.connect(rig.kernel.id, { sessionId: randomUUID() }));
    expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: false });
    expect(textOf(running.outputs)).toHaveLength(long.length);
  });

  test('an idle kernel whose answer waits behind it does not count as cut off', async () => {
    await using rig = await startSlowRig();
    const { gateway, kernel } = rig;
    const sessionId = randomUUID();
    const before = await gateway.connect(kernel.id, { sessionId });
    const begun = await runBegun({ kernel, connection: before });
    await before.close();
    await expect.poll(() => kernel.sockets.size).toBe(0);
    kernel.stream(kernel.lastRequest, long);
    kernel.end();
    const connection = await gateway.connect(kernel.id, { sessionId });
    const resumed = watch(connection.resume({ msgId: begun.execution.msgId }));
    expect(await resumed.end).toMatchObject({ kind: 'ok' });
    expect(textOf(resumed.outputs)).toHaveLength(long.length);
  });
});

test('a half-closed wire is re-opened', async () => {
  await using rig = await startFrontRig();
  const connection = await connected(rig);
  const running = await runBegun({ ...rig, connection });
  rig.front.halfClose();
  await running.until('reconnected');
  rig.kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
});

test('trap 5: a proxy that takes no long message closes with 1009: nothing loops, the kernel stays usable', async () => {
  await using rig = await startFrontRig({ maxMessageBytes: 32_768 });
  const connection = await connected(rig);
  rig.kernel.onExecute = (request, kernel) => {
    kernel.begin(request);
    kernel.stream(request, 'x'.repeat(40_000));
  };
  const running = run(connection);
  await running.until('reconnected');
  rig.kernel.stream(rig.kernel.lastRequest, 'after');
  rig.kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok', possibleGap: true });
  expect(kindsOf(running.outputs)).toContain('tooBig');
  expect(textOf(running.outputs)).toBe('after');
  rig.kernel.onExecute = (request, kernel) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.front.done.tooBig).toBe(1);
});

test('trap 6: a proxy that refuses binary frames is passed, because none are sent', async () => {
  await using rig = await startFrontRig({ refusesBinary: true });
  const connection = await connected(rig);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.front.done.binary).toBe(0);
});

test('trap 3: a proxy that cuts long calls: the kernel that starts behind it is deleted', async () => {
  await using rig = await startFrontRig({ cutHttpAfterMs: 50 });
  const { promise: gate, resolve: open } = Promise.withResolvers<undefined>();
  rig.server.answer = async (call) => {
    if (call.method === 'POST') await gate;
    return undefined;
  };
  const kernelId = randomUUID();
  const starting = rig.gateway.startKernel({ kernelspec: 'python3', kernelId, env: {} });
  await expect(starting).rejects.toMatchObject({ code: 'unreachable' });
  const deleted = rig.server.untilCall((call) => call.method === 'DELETE');
  open(undefined);
  expect((await deleted).path).toBe(`/api/kernels/${kernelId}`);
  await expect.poll(() => rig.server.kernels.get(kernelId)?.isDeleted).toBe(true);
});

test('a proxy that answers 502 for a while after a cut: the run goes on once it recovers', async () => {
  await using rig = await startFrontRig();
  const connection = await connected(rig);
  const running = await runBegun({ ...rig, connection });
  let refusals = 0;
  rig.front.faults = {
    answer: ({ isUpgrade }) => {
      if (!isUpgrade || refusals >= 3) return undefined;
      refusals += 1;
      return { status: 502, body: '<html>502 Bad Gateway</html>' };
    },
  };
  rig.front.drop();
  await running.until('reconnected');
  rig.kernel.end();
  expect(await running.end).toMatchObject({ kind: 'ok' });
  expect(refusals).toBe(3);
});
