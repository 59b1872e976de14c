import { expect, test } from 'vitest';
import { startRig } from './doors-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

test('once the person and the channel are known a mention costs one call to Slack, a slash command two', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  // A busy machine may need longer than a quick answer has: its one post is edited then.
  const callsSince = (from: number): string[] =>
    playground.calls
      .slice(from)
      .map(({ method }) => method)
      .filter((method) => method !== 'chat.update');
  await rig.slash('ana', '#data', '/spark first');

  const beforeMention = playground.calls.length;
  const posted = playground.as('ana').post('#data', '@sparkthread `second`');
  await rig.final('#data', posted.ts);
  await playground.waitForQuiet();
  expect(callsSince(beforeMention)).toEqual(['chat.postMessage']);

  const beforeSlash = playground.calls.length;
  await rig.slash('ana', '#data', '/spark third');
  await playground.waitForQuiet();
  expect(callsSince(beforeSlash)).toEqual(['chat.postMessage', 'chat.postMessage']);
});
