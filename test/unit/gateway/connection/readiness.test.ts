import { expect, test } from 'vitest';
import { type ConnectedRig, run, startConnectedRig, textOf } from '../../../support/gateway-client.ts';

/**
 * A gateway keeps its own sockets to the kernel for the session that comes back. Seen with Jupyter Server and Kernel
 * Gateway 3 when the connection breaks during a restart: the kernel refuses those sockets, and only another session's websocket
 * makes the gateway throw them away.
 */
function makeStale({ kernel, connection, server }: ConnectedRig): void {
  kernel.answersInfo = false;
  kernel.executionState = 'idle';
  server.answer = (call) => {
    const isOther = call.isUpgrade && call.query.get('session_id') !== connection.sessionId;
    if (isOther) kernel.answersInfo = true;
    return undefined;
  };
}

test('an idle kernel that answers nothing on a re-opened websocket is reached again, and what waits is run', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  makeStale(rig);
  kernel.drop();
  await rig.untilEvent('disconnected');
  kernel.onExecute = (request) => kernel.run(request, 'here');
  const running = run(connection);
  expect(await running.end).toMatchObject({ kind: 'ok' });
  expect(textOf(running.outputs)).toBe('here');
  const sessions = rig.server.calls
    .filter((call) => call.isUpgrade)
    .map((call) => call.query.get('session_id') === connection.sessionId);
  expect(sessions).toEqual([true, true, false, true]);
});

test('a request that went into such a websocket ends, and it is not known whether it ran', async () => {
  await using rig = await startConnectedRig();
  const { kernel, connection } = rig;
  kernel.onExecute = () => undefined;
  makeStale(rig);
  expect(await run(connection).end).toMatchObject({ kind: 'unknown', possibleGap: true });
  kernel.onExecute = (request) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test('a kernel that answers on no websocket is not tried for ever', async () => {
  await using rig = await startConnectedRig({ settings: { launchTimeoutMs: 1_500 } });
  const { kernel, connection } = rig;
  kernel.answersInfo = false;
  kernel.executionState = 'idle';
  kernel.onExecute = () => undefined;
  expect(await run(connection).end).toMatchObject({ kind: 'unknown', possibleGap: true });
  expect(await run(connection).end).toMatchObject({ kind: 'notSent' });
  expect(rig.server.calls.filter((call) => call.isUpgrade).length).toBeLessThanOrEqual(6);
});
