import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { holdKernels } from '../../support/held-kernels.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

test('a bot that was killed while a kernel started uses that kernel, in a new session', async () => {
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  const { promise: up, resolve: comeUp } = Promise.withResolvers<void>();
  gateway.answer = ({ method, body }) => {
    // As Kernel Gateway 2, which chooses the ids itself.
    if (method === 'POST') Object.assign(body as object, { kernel_id: randomUUID() });
    for (const kernel of gateway.kernels.values()) kernel.upgradable = up;
    return undefined;
  };
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground, bot } = rig;
  const upgrade = gateway.untilCall(({ isUpgrade }) => isUpgrade);
  const { ts: thread } = playground.as('ana').post('#data', '@sparkthread `first()`');
  const { query: first } = await upgrade;
  await bot.kill();
  const again = gateway.untilCall(({ isUpgrade }) => isUpgrade);
  await bot.restart();
  const { query: second } = await again;
  comeUp();
  const answer = await rig.final('#data', thread);
  expect(answer.metadata?.event_payload['outcome']).toBe('ok');
  expect(gateway.kernels.size).toBe(1);
  expect(second.get('session_id')).not.toBe(first.get('session_id'));
  await gateway.close();
});
