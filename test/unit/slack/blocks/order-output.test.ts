import { expect, test } from 'vitest';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import { errorsFirst, joinParts } from '../../../../src/slack/blocks/run/output/shown-parts.ts';

const text = (source: 'stdout' | 'stderr' | 'result', words: string): OutputPart => ({
  kind: 'text',
  source,
  text: wholeText(words),
  path: source === 'result' ? '/results.txt' : undefined,
});
const image: OutputPart = { kind: 'image', mime: 'image/png', path: '/1.png', alt: '' };
const shown = (joined: Map<OutputPart, readonly OutputPart[]>): string[] =>
  [...joined.keys()].map((part) => (part.kind === 'text' ? part.text.head : part.kind));

test('where all fits, every part stays as it is', () => {
  const parts = [text('result', 'a'), text('result', 'b')];
  expect([...joinParts(parts, false).keys()]).toEqual(parts);
});

test('results in a row are one text; a picture between them ends the row', () => {
  const parts = [text('result', 'a'), text('result', 'b'), image, text('result', 'c')];
  const joined = joinParts(parts, true);
  expect(shown(joined)).toEqual(['a\nb', 'image', 'c']);
  expect([...joined.values()]).toEqual([parts.slice(0, 2), [image], parts.slice(3)]);
});

test('few pieces of stdout and stderr stay apart, many in turn are one text, each on a line of its own', () => {
  const turns = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      text(n % 2 === 0 ? 'stdout' : 'stderr', n % 2 === 0 ? 'out\n' : 'err'),
    );
  expect(shown(joinParts(turns(8), true))).toHaveLength(8);
  expect(shown(joinParts(turns(10), true))).toEqual(['out\nerr\n'.repeat(5)]);
});

test('what is on stderr right before an error comes behind it', () => {
  const error: OutputPart = {
    kind: 'error',
    headline: 'E',
    userLine: undefined,
    cause: undefined,
    traceback: wholeText(''),
    isFolded: false,
    path: undefined,
    hint: undefined,
  };
  const [out, err] = [text('stdout', 'out'), text('stderr', 'err')];
  expect(errorsFirst([out, err, error])).toEqual([out, error, err]);
});
