import { expect, test } from 'vitest';
import { finalAnswer } from '../../support/ask.ts';
import { holdKernels } from '../../support/held-kernels.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { buttonsOf, shown, startRig } from './listeners-rig.ts';

test('the notice at the end of a long run names its requester, and is deleted with the answer', async () => {
  const gateway = await startScriptedGateway();
  const kernels = holdKernels(gateway);
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', NOTIFY_AFTER: '1s' });
  const { playground } = rig;
  const ana = playground.as('ana');
  const { ts } = ana.post('#data', '@sparkthread long()');
  const run = await kernels.untilBegun('long()');
  // The clock of the live answer shows that it took longer.
  await playground.waitForReply('#data', ts, (reply) => shown(reply).match(/Running, [1-9]/) !== null);
  run.end();
  const { message } = await finalAnswer(playground, '#data', ts);
  const told = await playground.waitForReply('#data', ts, ({ metadata }) => {
    return metadata?.event_type === 'sparkthread_done';
  });
  expect(told.text).toMatch(new RegExp(`^<@${playground.user('ana').id}> done in [\\d.]+ (s|min)`));
  // Her own message shows the result, too.
  await playground.waitFor(
    () => playground.thread('#data', ts)[0]?.reactions?.[0]?.name === 'white_check_mark',
  );
  expect(buttonsOf(message)).toContain('run:delete');
  await ana.press(message, 'run:delete');
  await playground.waitFor(() => playground.replies('#data', ts).length === 0);
  await gateway.close();
});
