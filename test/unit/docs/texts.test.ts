import { expect, test } from 'vitest';
import { readTexts } from '../../../tools/read-texts.ts';
import { textsPage } from '../../../tools/texts-page.ts';

test('sentences and labels are read from literals, with what is put in as dots; names and keys are none', () => {
  const source = `
    // 'a comment says nothing'
    const a = { kind: 'waiting', label: 'Run again', url: './a-b.ts' };
    throw new UserError('badCommand', \`You have \${count(n, 'open run')} and \${n} more.\`);
    const isQuote = /it's "quoted text here"/.test('x');
    const starts = lines.map((line) => /^!?['"] two words/.test(line));
    return /^(?:\`|no text here)/.test(a);
    log.warn({ event: 'run.lost' }, 'nobody in Slack reads this');
    say('It’s over: \\'yes\\', it is.');
  `;
  expect(readTexts(source)).toEqual([
    'Run again',
    'You have … and … more.',
    'open run',
    "It’s over: 'yes', it is.",
  ]);
});

test.each([
  'Only admins may ….',
  'Did you mean `…`? Nothing ran.',
  'Run again',
  'Edit and run',
  'The code asks for a password, and everybody here can read a reply, so yours was not sent to it.',
  'is not installed where this kernel runs.',
])('%j is in docs/texts.md', (text) => {
  expect(textsPage()).toContain(text);
});

test('what is only logged is not', () => {
  expect(textsPage()).not.toContain('a user could not be looked up');
});
