import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { DEFAULT_TIMINGS } from '../../../src/gateway/timings.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { shown, startRig } from '../listeners/listeners-rig.ts';

test('no idle warning is posted for a kernel that the gateway has culled; the next answer tells its loss', async () => {
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', IDLE_TIMEOUT: '4s' });
  const { playground, bot } = rig;
  const { ts } = playground.as('ana').post('#data', '@sparkthread `before()`');
  const run = await kernels.untilBegun('before()');
  run.kernel.isDeleted = true;
  run.end();
  await rig.final('#data', ts);
  await bot.untilLog(({ msg }) => String(msg).startsWith('an idle kernel is gone'));
  expect(playground.messages('#data').map(({ text }) => text)).not.toContainEqual(
    expect.stringContaining('Nobody has used'),
  );
  kernels.letRun();
  const next = await rig.slash('ana', '#data', '/spark after()');
  expect(JSON.stringify(next.answer.blocks)).toContain('kernel was gone');
  await gateway.close();
});

test('a kernel that was deleted without a sign is told in the next answer, whose code runs in a new kernel', async () => {
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  await rig.slash('ana', '#data', '/spark before()');
  for (const kernel of gateway.kernels.values()) kernel.isDeleted = true;
  // A kernel that has just said something counts as alive.
  await pause(DEFAULT_TIMINGS.seenMs + 100);
  const { answer } = await rig.slash('ana', '#data', '/spark after()');
  expect(answer.metadata?.event_payload['outcome']).toBe('ok');
  expect(JSON.stringify(answer.blocks)).toContain('kernel was gone');
  const ran = [...gateway.kernels.values()].map(({ received }) =>
    received
      .filter(({ header, content }) => header.msg_type === 'execute_request' && content['silent'] !== true)
      .map(({ content }) => content['code']),
  );
  expect(ran).toEqual([['before()'], ['after()']]);
  await gateway.close();
});

test('a snippet sent during a restart of the gateway runs afterwards, in a new kernel', async () => {
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', LOG_LEVEL: 'debug' });
  const { playground, bot } = rig;
  await rig.slash('ana', '#data', '/spark before()');
  gateway.answer = () => ({ status: 502 });
  for (const kernel of gateway.kernels.values()) kernel.drop();
  await bot.untilLog(({ kind }) => kind === 'disconnected');
  const { ts: thread } = playground.as('ana').post('#data', '@sparkthread `after()`');
  await playground.waitForReply('#data', thread, (reply) => shown(reply).includes('Nothing has run yet'));
  for (const kernel of gateway.kernels.values()) kernel.isDeleted = true;
  gateway.answer = () => undefined;
  const answer = await rig.final('#data', thread);
  expect(answer.metadata?.event_payload['outcome']).toBe('ok');
  expect(shown(answer)).toContain('kernel was gone');
  await gateway.close();
});
