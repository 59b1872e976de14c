import { array, assert, boolean, constantFrom, oneof, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { compose, type ComposerContext } from '../../playground/composer.ts';

const context: ComposerContext = {
  findUser: (name) => (name === 'sparkthread' ? 'U0BOT' : undefined),
  findChannel: (name) => (name === 'data' || name === 'C0DATA' ? { id: 'C0DATA', name: 'data' } : undefined),
};

test('a fence becomes preformatted rich text, and stays escaped and linked in text', () => {
  const { text, blocks } = compose(
    '@sparkthread python2\n```\nfoo.py & <b>\n  x = "y"\n```\nthanks',
    context,
  );
  expect(text).toBe('<@U0BOT> python2\n```<http://foo.py|foo.py> &amp; &lt;b&gt;\n  x = "y"```\nthanks');
  expect(blocks).toEqual([
    {
      type: 'rich_text',
      elements: [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'user', user_id: 'U0BOT' },
            { type: 'text', text: ' python2\n' },
          ],
        },
        {
          type: 'rich_text_preformatted',
          border: 0,
          elements: [
            { type: 'link', url: 'http://foo.py', text: 'foo.py' },
            { type: 'text', text: ' & <b>\n  x = "y"' },
          ],
        },
        { type: 'rich_text_section', elements: [{ type: 'text', text: 'thanks' }] },
      ],
    },
  ]);
});

test.each([
  ['firstLine', { elements: [{ type: 'text', text: 'python\nx = 1' }] }],
  ['property', { elements: [{ type: 'text', text: 'x = 1' }], language: 'python' }],
] as const)("a fence's info string as %s", (fenceLanguage, expected) => {
  const { blocks } = compose('```python\nx = 1\n```', { ...context, fenceLanguage });
  expect(blocks[0]?.elements[0]).toEqual({ type: 'rich_text_preformatted', border: 0, ...expected });
});

test('a phone changes quotes and dashes, but not in code', () => {
  const { text } = compose('say "it\'s" -- `"a" -- b`\n```\n"c"\n```', { ...context, phoneKeyboard: true });
  expect(text).toBe('say “it’s” — `"a" -- b`\n```"c"```');
});

test.each([
  ['see https://x.org/a_b?q=1&r=2.', 'see <https://x.org/a_b?q=1&amp;r=2>.'],
  ['mail me@x.org', 'mail <mailto:me@x.org|me@x.org>'],
  ['df.count() and os.path', 'df.count() and os.path'],
  ['import spark.io', 'import <http://spark.io|spark.io>'],
  ['#data #nowhere @nobody a@sparkthread', '<#C0DATA|data> #nowhere @nobody a@sparkthread'],
  ['@channel :tada: :nope:', '<!channel> :tada: :nope:'],
  ['*bold* _it_ ~no~ a*b*c snake_case_name', '*bold* _it_ ~no~ a*b*c snake_case_name'],
  ['``` unclosed', '``` unclosed'],
  ['', ''],
])('text of %j', (typed, text) => {
  expect(compose(typed, context).text).toBe(text);
});

test('bold words carry a style and lose their stars in blocks', () => {
  expect(compose('a *b*', context).blocks[0]?.elements[0]).toEqual({
    type: 'rich_text_section',
    elements: [
      { type: 'text', text: 'a ' },
      { type: 'text', text: 'b', style: { bold: true } },
    ],
  });
});

test('any code in a fence can be reassembled from the blocks, byte for byte', () => {
  const pieces = constantFrom(
    'foo.py',
    ' ',
    '\n',
    '<b>',
    '&amp;',
    '@sparkthread',
    ':tada:',
    '*',
    '`',
    'https://x.org/?a=1&b',
    'me@x.org',
    '“',
    '--',
  );
  const code = array(oneof(pieces, string({ unit: 'grapheme' })))
    .map((parts) => parts.join(''))
    .filter((typed) => typed !== '' && !typed.includes('``') && !/^[`\n]|[`\n]$/.test(typed));
  assert(
    property(code, boolean(), (typed, phoneKeyboard) => {
      const { blocks } = compose(`\`\`\`\n${typed}\n\`\`\``, { ...context, phoneKeyboard });
      const [part] = blocks[0]?.elements ?? [];
      if (part?.type !== 'rich_text_preformatted') throw new Error('no fence');
      const read = part.elements.map((element) =>
        element.type === 'link' ? (element.text ?? element.url) : element.text,
      );
      expect(read.join('')).toBe(typed);
    }),
  );
});
