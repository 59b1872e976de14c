import { expect, test } from 'vitest';
import { startScriptedHub } from '../../../../support/scripted-hub.ts';
import { startSessionRig } from '../../../../support/session-rig.ts';

/** Runs on the server of a hub, which is stopped. */
async function startBehindHub() {
  const hub = await startScriptedHub('hub-token');
  const rig = await startSessionRig({
    hub: { apiUrl: hub.apiUrl, token: 'hub-token', user: 'ana', server: '' },
    timings: { hubLookMs: 10 },
  });
  rig.held.letRun();
  rig.gateway.answer = () => (hub.state === 'running' ? undefined : { status: 424 });
  return {
    rig,
    hub,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}

test('a snippet is accepted while the server is stopped, and shows since when it is being started', async () => {
  await using scene = await startBehindHub();
  const { rig, hub } = scene;
  await rig.admission.submit(rig.request('code()', { language: 'python' }));
  const [live] = rig.kernels.unfinished('T1', 'C1');
  const { phase } = await rig.untilShown(live!, (view) => view.phase.kind === 'startingServer');
  expect(phase).toMatchObject({ sinceMs: expect.any(Number) });
  await hub.untilAwaited();
  hub.state = 'running';
  expect(await rig.untilDone(live!)).toMatchObject({ kind: 'ok' });
});

test('after a culler has stopped the server the next run says that the variables are gone', async () => {
  await using scene = await startBehindHub();
  const { rig, hub } = scene;
  hub.state = 'running';
  const first = await rig.submit('code()');
  await rig.untilDone(first);
  // Its websocket is closed, as an idle one is.
  await rig.replace('closed');
  hub.state = 'stopped';
  const second = await rig.submit('code()');
  await hub.untilAwaited();
  hub.state = 'running';
  expect(await rig.untilDone(second)).toMatchObject({ kind: 'ok' });
  expect(second.run.data.notes.join()).toContain('the variables from before are gone');
});

test('a stop while the server is being started ends the run at once, and it starts no kernel', async () => {
  await using scene = await startBehindHub();
  const { rig, hub } = scene;
  const live = await rig.submit('code()');
  await hub.untilAwaited();
  live.stop({ kind: 'asked', by: 'U1' });
  expect(await rig.untilDone(live)).toMatchObject({ kind: 'cancelled' });
  hub.state = 'running';
  expect(rig.gateway.kernels.size).toBe(0);
});

test('an unknown language is refused, and the server is started to list its own', async () => {
  await using scene = await startBehindHub();
  const { rig, hub } = scene;
  const refused = rig.admission.submit(rig.request('code()', { language: 'scala' }));
  await expect(refused).rejects.toMatchObject({
    code: 'unknownLanguage',
    message: expect.stringContaining('is being started now; its languages are known when it runs'),
  });
  await hub.untilAwaited();
  hub.state = 'running';
  await expect
    .poll(async () => (await rig.admission.languages('T1', 'C1')).kernelspecs.list.length)
    .toBeGreaterThan(1);
});
