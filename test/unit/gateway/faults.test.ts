import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import type { Gateway, KernelConnection } from '../../../src/gateway/gateway.ts';
import type { GatewayTimings } from '../../../src/gateway/timings.ts';
import { silentLog } from '../../../src/log.ts';
import { type Faults, type FaultFront, startFaultFront } from '../../support/fault-front.ts';
import { kindsOf, quickTimings, run, runBegun, settingsFor, textOf } from '../../support/gateway-client.ts';
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

test('a front without faults is not noticed', async () => {
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

test('frames that come late and unevenly', async () => {
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

test('trap 6: a front that refuses binary frames is passed, because none is sent', async () => {
  await using rig = await startFrontRig({ refusesBinary: true });
  const connection = await connected(rig);
  expect(await run(connection).end).toMatchObject({ kind: 'ok' });
  expect(rig.front.done.binary).toBe(0);
});

test('trap 3: a proxy that cuts long calls: the kernel that comes up behind it is deleted', async () => {
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

test('a proxy that answers 502 for a while when the connection is cut: the run goes on when it lets pass again', async () => {
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
