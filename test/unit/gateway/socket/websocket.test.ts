import { expect, test } from 'vitest';
import { inOwnTurn } from '../../../../src/gateway/event-loop.ts';
import { readEndpoints } from '../../../../src/gateway/http/endpoints.ts';
import { KernelSocket } from '../../../../src/gateway/socket/websocket.ts';
import { quickTimings, type Rig, settingsFor, startRig } from '../../../support/gateway-client.ts';

async function openSocket({ server }: Rig) {
  const kernel = server.addKernel();
  const settings = settingsFor(server);
  const events: string[] = [];
  const socket = new KernelSocket(
    {
      settings,
      endpoints: readEndpoints(settings, undefined),
      timings: { ...quickTimings, idlePingMs: 20 },
      kernelId: kernel.id,
      sessionId: 's',
      findKernel: () => Promise.resolve(undefined),
      mayWrite: () => true,
    },
    (event) => events.push(event.kind === 'close' ? `close ${event.code}` : event.kind),
  );
  await socket.opened;
  await kernel.untilConnected();
  return { kernel, socket, events };
}

test('a websocket whose frames wait for their turn does not count as half-open or silent', async () => {
  await using rig = await startRig();
  const { kernel, socket, events } = await openSocket(rig);
  const other = await openSocket(rig);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const heavy = inOwnTurn(() => gate);
  kernel.sendRaw(JSON.stringify('x'.repeat(400_000)));
  while (socket.receivedMs === 0) await new Promise((resolve) => setImmediate(resolve));
  const [served] = other.kernel.sockets.keys();
  for (let pings = 0; pings < 8; pings += 1) await new Promise((resolve) => served?.once('ping', resolve));
  const nowMs = performance.now();
  expect(socket.receivedMs).toBeGreaterThanOrEqual(nowMs);
  open();
  await heavy;
  await socket.close();
  await other.socket.close();
  expect(events).toEqual(['open', 'frame', 'close 1000']);
});

test('frames on their way to a paused websocket come before its close, long ones too', async () => {
  await using rig = await startRig();
  const { kernel, socket, events } = await openSocket(rig);
  socket.setPaused(true);
  const long = JSON.stringify('x'.repeat(400_000));
  for (let sent = 0; sent < 20; sent += 1) kernel.sendRaw(long);
  await socket.close();
  expect(events).toEqual(['open', ...Array.from({ length: 20 }, () => 'frame'), 'close 1000']);
});
