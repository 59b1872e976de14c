import { expect, test } from 'vitest';
import { renderRoot } from '../../../../src/slack/blocks/who-ran.ts';
import { postRoot } from '../../../../src/slack/messages/run-notices.ts';
import { startMessagesRig } from './messages-rig.ts';

test.each([
  ['short code', ['1+1'], '1+1'],
  ['code of which each character is two', ['"\\'.repeat(50_000)], 'more characters'],
  ['an emoji at the cut', ['😀'.repeat(3_000)], 'more characters'],
  ['blanks', ['  \n '], '(blank)'],
  ['more blocks than a message holds', Array.from({ length: 5_000 }, (_, n) => `block ${n}`), 'block 0'],
])('%s: Slack takes the root message', async (_, blocks, shown) => {
  await using rig = await startMessagesRig();
  const root = { language: 'python3'.repeat(blocks.length), blocks };
  const posting = postRoot(
    rig.sending,
    { runId: 'r', requester: 'U1', channel: rig.channel, createdAt: Date.now(), recovered: false, root },
    new AbortController().signal,
  );
  expect(await posting).toMatchObject({ kind: 'posted' });
  const [posted] = rig.playground.messages(rig.channel);
  expect(JSON.stringify(posted?.blocks)).toContain(shown);
  expect(JSON.stringify(posted?.blocks)).not.toMatch(/\\ud[89a-f]/);
});

test('a bot without a user is named as text', () => {
  const root = { language: 'python3', blocks: ['1'] };
  const { text, blocks } = renderRoot({ requester: 'B012', ...root }, 13_000);
  expect(text).toContain('bot B012 ran python3');
  expect(JSON.stringify(blocks)).not.toContain('"user_id"');
  expect(JSON.stringify(blocks)).toContain('"bot B012"');
});
