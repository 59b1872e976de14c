import { expect, test } from 'vitest';
import { Handshake, StaleSocket } from '../../../../src/gateway/connection/readiness.ts';
import {
  type ConnectedRig,
  run,
  runBegun,
  startConnectedRig,
  textOf,
} from '../../../support/gateway-client.ts';
import { kernelMessage } from '../../../support/gateway-parts.ts';

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

test('an idle kernel that does not answer on a reopened websocket is reached again, and runs what waits', async () => {
  await using rig = await startConnectedRig({ timings: { staleMs: 200 } });
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

test('a request that was sent on such a websocket ends, and it is not known whether it ran', async () => {
  await using rig = await startConnectedRig({ timings: { staleMs: 200 } });
  const { kernel, connection } = rig;
  kernel.onExecute = () => undefined;
  makeStale(rig);
  expect(await run(connection).end).toMatchObject({ kind: 'unknown', possibleGap: true });
  kernel.onExecute = (request) => kernel.run(request);
  expect(await run(connection).end).toMatchObject({ kind: 'ok', possibleGap: false });
});

test('a kernel that answers on no websocket is not tried for ever', async () => {
  await using rig = await startConnectedRig({
    settings: { launchTimeoutMs: 1_500 },
    timings: { staleMs: 200 },
  });
  const { kernel, connection } = rig;
  kernel.answersInfo = false;
  kernel.executionState = 'idle';
  kernel.onExecute = () => undefined;
  expect(await run(connection).end).toMatchObject({ kind: 'unknown', possibleGap: true });
  expect(await run(connection).end).toMatchObject({ kind: 'notSent' });
  expect(rig.server.calls.filter((call) => call.isUpgrade).length).toBeLessThanOrEqual(6);
});

test('Handshake: a reply counts for its request, and a new process is noticed first', () => {
  const asked: string[] = [];
  const said: string[] = [];
  const handshake = new Handshake(
    'ours',
    ({ msgId }) => asked.push(msgId) > 0,
    () => void said.push('other process'),
  );
  const reply = (parentId: string, session: string) =>
    handshake.take(kernelMessage('kernel_info_reply', { implementation: 'ipython' }, { parentId, session }));
  handshake.ask(() => void said.push(handshake.info.implementation));
  expect(handshake.unansweredMs).toBeGreaterThanOrEqual(0);
  expect(reply('not ours', 'a')).toBe(false);
  expect(reply(asked[0] ?? '', 'a')).toBe(true);
  expect(reply(asked[0] ?? '', 'a'), 'a second time').toBe(false);
  handshake.ask(() => void said.push('again'));
  expect(reply(asked[1] ?? '', 'b')).toBe(true);
  expect(said).toEqual(['ipython', 'other process', 'again']);
  expect(handshake).toMatchObject({ processSession: 'b', answers: 2, unansweredMs: 0 });
});

test('Handshake: a request without an open websocket is not sent, and is sent on the next one', () => {
  const asked: string[] = [];
  let isOpen = false;
  const send = ({ channel }: { channel: string }) => isOpen && asked.push(channel) > 0;
  const handshake = new Handshake('ours', send, () => undefined);
  expect(handshake.ask(() => undefined)).toBe(false);
  handshake.askOnControl();
  expect(handshake.unansweredMs).toBe(0);
  isOpen = true;
  handshake.askOnControl();
  handshake.askOnControl();
  expect(handshake.ask(() => undefined)).toBe(true);
  expect(asked).toEqual(['control', 'shell']);
});

test('StaleSocket: a kernel that does not answer gets a new websocket twice, and again after an answer', () => {
  const handshake = { unansweredMs: 0, answers: 0 };
  let renewals = 0;
  const socket = { silentMs: 1_000, renew: () => void (renewals += 1) };
  const stale = new StaleSocket(500, handshake, socket);
  expect(stale.renewIfStale()).toBe(false);
  expect(renewals).toBe(0);
  handshake.unansweredMs = 1_000;
  expect([1, 2, 3].map(() => stale.renewIfStale())).toEqual([false, false, true]);
  expect(renewals).toBe(2);
  handshake.answers = 1;
  expect(stale.renewIfStale()).toBe(false);
  expect(renewals).toBe(3);
  socket.silentMs = 0;
  expect(stale.renewIfStale()).toBe(false);
  expect(renewals).toBe(3);
});

test('a model that is busy after a death is the old process’s: nothing is written until the new one answers', async () => {
  await using rig = await startConnectedRig({ settings: { launchTimeoutMs: 1_500 } });
  const { kernel, connection, untilEvent } = rig;
  const dying = await runBegun(rig);
  kernel.answersInfo = false;
  kernel.status('restarting');
  kernel.executionState = 'busy';
  expect(await dying.end).toMatchObject({ kind: 'kernelDied' });
  expect(await run(connection).end).toMatchObject({ kind: 'notSent' });
  expect(await untilEvent('kernelGone')).toMatchObject({ detail: 'the kernel gives no answer for 1.5 s' });
});
