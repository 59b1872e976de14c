import { expect, test } from 'vitest';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { buttonsOf, startRig } from './listeners-rig.ts';

test('the end of a long run names its requester in the thread, and goes with the answer', async () => {
  const gateway = await startScriptedGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3', NOTIFY_AFTER: '0s' });
  const { playground } = rig;
  const { root, answer } = await rig.slash('ana', '#data', '/spark 1');
  const told = await playground.waitForReply('#data', root.ts, ({ metadata }) => {
    return metadata?.event_type === 'sparkthread_done';
  });
  expect(told.text).toMatch(new RegExp(`^<@${playground.user('ana').id}> done in \\d+ s$`));
  expect(buttonsOf(answer)).toContain('run:delete');
  await playground.as('ana').press(answer, 'run:delete');
  await playground.waitFor(() => playground.replies('#data', root.ts).length === 0 || undefined);
  await gateway.close();
});
