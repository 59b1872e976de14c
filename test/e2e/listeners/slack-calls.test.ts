import { expect, test } from 'vitest';
import { startRig } from './listeners-rig.ts';
import { startWordGateway } from './scripted-kernel.ts';

test('once the person and the channel are known a mention costs one call to Slack and a reaction, a slash command two and one edit of its root', async () => {
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
  // Nobody waits for the reaction.
  await playground.waitFor(() => playground.callsOf('reactions.add').length > 0);
  await playground.waitForQuiet();
  expect(callsSince(beforeMention)).toEqual(['chat.postMessage', 'reactions.add']);

  const beforeSlash = playground.calls.length;
  const { root } = await rig.slash('ana', '#data', '/spark third');
  const rootEdits = (): number =>
    playground.callsOf('chat.update').filter(({ args }) => args['ts'] === root.ts).length;
  // Nobody waits for it either.
  await playground.waitFor(() => rootEdits() > 0);
  await playground.waitForQuiet();
  expect(callsSince(beforeSlash)).toEqual(['chat.postMessage', 'chat.postMessage']);
  expect(rootEdits()).toBe(1);
});

test('answers that Slack does not yet let the bot delete delay nobody’s code', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  playground.addChannel('quiet');
  const { answer } = await rig.slash('ana', '#data', '/spark first');
  playground.fail('chat.delete', { kind: 'rateLimited', retryAfterS: 600 });
  await playground.as('ana').press(answer, 'run:delete');
  await playground.waitFor(() => playground.callsOf('chat.delete').length > 0);
  const posted = playground.as('ben').post('#data', '@sparkthread `second`');
  await rig.final('#data', posted.ts);
  await rig.slash('oli', '#quiet', '/spark third');
  await playground.waitForQuiet();
  expect(playground.deliveries.find(({ name }) => name === 'block_actions')?.state).toBe('acked');
});

test('if Slack does not say in time whether the bot is in the channel, nothing runs, and that is said', async () => {
  await using gateway = await startWordGateway();
  await using rig = await startRig(gateway, { DEFAULT_LANGUAGE: 'python3' });
  const { playground } = rig;
  const held = playground.hold('conversations.info');
  const { text } = await playground.as('ana').slash('#data', '/spark first');
  expect(text).toContain('Slack did not say whether Sparkthread is in this channel, so nothing ran');
  held.release();
  await rig.slash('ana', '#data', '/spark second');
});
