import { expect, test } from 'vitest';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startRig } from '../listeners/listeners-rig.ts';

test('a kernelspec that is installed while the bot runs is listed and can be chosen at once', async () => {
  const gateway = await startScriptedGateway();
  await using rig = await startRig(gateway);
  const { playground } = rig;
  const ask = async (typed: string): Promise<string> => {
    const seen = playground.ephemerals('ana').length;
    await playground.as('ana').slash('#data', typed);
    return await playground.waitFor(() => playground.ephemerals('ana')[seen]?.text);
  };
  expect(await ask('/spark languages')).not.toContain('newcomer');
  const kernelspecs = { newcomer: { spec: { display_name: 'New', language: 'python' } } };
  gateway.answer = ({ path }) =>
    path === '/api/kernelspecs' ? { status: 200, body: { default: 'newcomer', kernelspecs } } : undefined;
  expect(await ask('/spark languages')).toContain('newcomer');
  for (const word of ['newcomer', 'python3']) {
    const before = playground.messages('#data').length;
    await playground.as('ana').slash('#data', `/spark use ${word}`);
    const told = await playground.waitFor(() => playground.messages('#data')[before]?.text);
    expect(told).toContain('default language of this channel to `newcomer`');
  }
  expect(await ask('/spark use scala')).toContain('There is no kernel for “scala” here');
  await gateway.close();
});
