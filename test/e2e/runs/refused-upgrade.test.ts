import { expect, test } from 'vitest';
import { askSlash, finalAnswer } from '../../support/ask.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { type Call, startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

/** The gateway fails on a websocket (500) while the kernel behind it is well. */
const failed = { status: 500, body: '<html>500: Internal Server Error</html>' };

test('when the gateway refuses upgrades in the middle of a run, the run goes on', async () => {
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const { ts: thread } = playground.as('ben').post('#data', '@sparkthread `long()`');
  const run = await kernels.untilBegun('long()');
  let refused = 0;
  gateway.answer = ({ isUpgrade }) => (isUpgrade && (refused += 1) <= 3 ? failed : undefined);
  run.kernel.drop();
  await run.kernel.untilConnected();
  run.end();
  const { outcome, text } = await finalAnswer(playground, '#data', thread);
  expect(outcome).toBe('ok');
  expect(text).toContain('long() ends');
  await gateway.close();
});

test('when the gateway refuses upgrades to a stored kernel, the kernel is not given up', async () => {
  const gateway = await startScriptedGateway();
  holdKernels(gateway).letRun();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground, bot } = rig;
  await askSlash(playground, 'ben', '#data', '/spark kept = 41');
  await bot.stop();
  await bot.restart();
  let refused = 0;
  gateway.answer = ({ isUpgrade }) => (isUpgrade && (refused += 1) <= 5 ? failed : undefined);
  const { outcome } = await askSlash(playground, 'ben', '#data', '/spark kept + 1');
  expect(outcome).toBe('ok');
  const deletions = gateway.calls.filter(({ method }: Call) => method === 'DELETE');
  expect(deletions).toEqual([]);
  expect(gateway.kernels.size).toBe(1);
  await gateway.close();
});
