import { expect, test } from 'vitest';
import { HELP_TOPICS, helpText, welcomeText } from '../../../../src/slack/blocks/help.ts';
import { readCommand } from '../../../../src/slack/parsing/command.ts';

test('help is five lines, and names its topics', () => {
  expect(helpText('U0BOT').split('\n')).toHaveLength(5);
  for (const topic of HELP_TOPICS) expect(helpText('U0BOT')).toContain(`\`help ${topic}\``);
});

test.each(HELP_TOPICS)('help %s is a command, with more to say', (topic) => {
  expect(readCommand(`Help ${topic}`)).toEqual({ kind: 'help', topic });
  expect(helpText('U0BOT', topic).split('\n').length).toBeGreaterThan(2);
});

test('help with another word is not a command', () => {
  expect(readCommand('help use')).toBeUndefined();
});

test.each([helpText('U0BOT'), welcomeText('U0BOT'), ...HELP_TOPICS.map((topic) => helpText('U0BOT', topic))])(
  'the only markup in %j is its own',
  (text) => {
    for (const tag of text.match(/<[^>]*>/g) ?? []) expect(tag).toBe('<@U0BOT>');
  },
);
