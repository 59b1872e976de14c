import { expect, test } from 'vitest';
import { readEndpoints } from '../../../../src/gateway/http/endpoints.ts';
import { KernelSocket } from '../../../../src/gateway/socket/websocket.ts';
import { quickTimings, settingsFor, startRig } from '../../../support/gateway-client.ts';

test('frames on their way to a paused websocket come before its close, long ones too', async () => {
  await using rig = await startRig();
  const kernel = rig.server.addKernel();
  const settings = settingsFor(rig.server);
  const events: string[] = [];
  const socket = new KernelSocket(
    {
      settings,
      endpoints: readEndpoints(settings, undefined),
      timings: quickTimings,
      kernelId: kernel.id,
      sessionId: 's',
      findKernel: () => Promise.resolve(undefined),
      mayWrite: () => true,
    },
    (event) => events.push(event.kind === 'close' ? `close ${event.code}` : event.kind),
  );
  await socket.opened;
  await kernel.untilConnected();
  socket.setPaused(true);
  const long = JSON.stringify('x'.repeat(400_000));
  for (let sent = 0; sent < 20; sent += 1) kernel.sendRaw(long);
  await socket.close();
  expect(events).toEqual(['open', ...Array.from({ length: 20 }, () => 'frame'), 'close 1000']);
});
