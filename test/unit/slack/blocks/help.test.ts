import { expect, test } from 'vitest';
import { helpText } from '../../../../src/slack/blocks/help.ts';

test('the only markup in the help is its own: what stands between < and > is read by Slack', () => {
  const text = helpText('U0BOT');
  expect(text.match(/<[^>]*>/g)).toEqual(['<@U0BOT>']);
  expect(text).toContain('`use &lt;language&gt;`');
});
