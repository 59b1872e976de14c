import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { root, type Source, sourcesIn, textOf } from './sources.ts';

/** Every `page.md §2.2`, `page.md fact 7` and `trap 16` of the code, as a link that opens. */

/** One reference: the page's path from the root, and what is to be found on it. */
interface Reference {
  page: string;
  place: string | undefined;
}

const PAGE = /(?<![\w/.-])((?:docs\/)?[A-Za-z][\w-]*\.md)\b/;
const PLACES = /(?:[\s,:;]|and)*(?:§\s?\d+(?:\.\d+)*|(?:facts?|traps?) \d+(?:(?:, | and )\d+(?!\.))*)/;
const CITED = new RegExp(`${PAGE.source}((?:${PLACES.source})*)`, 'g');
const TRAPS = /\btraps? (\d+(?:(?:, | and )\d+)*)/g;

/** Comments go over several lines; a reference that does is read as one. */
function joined(text: string): string {
  return text.replaceAll(/\n\s*(?:\*|\/\/)\s?/g, ' ');
}

function referencesOf({ text }: Source): Reference[] {
  const said = joined(text);
  const cited = [...said.matchAll(CITED)].flatMap(([, page = '', places = '']) => {
    const found = placesOf(places);
    return (found.length === 0 ? [undefined] : found).map((place) => ({ page: pathOf(page), place }));
  });
  const traps = [...said.matchAll(TRAPS)].flatMap(([words]) =>
    placesOf(words).map((place) => ({ page: 'docs/protocol.md', place })),
  );
  return [...cited, ...traps];
}

function placesOf(words: string): string[] {
  return [...words.matchAll(/§\s?(\d+(?:\.\d+)*)|(fact|trap)s? (\d+(?:(?:, | and )\d+)*)/g)].flatMap(
    ([, section, kind, numbers = '']) =>
      section === undefined
        ? numbers.split(/, | and /).map((number) => `${kind} ${number}`)
        : [`§${section}`],
  );
}

function pathOf(page: string): string {
  return page.includes('/') || existsSync(new URL(page, root)) ? page : `docs/${page}`;
}

/** Headings are `## 2 …` and `### 2.2 …`; facts are the parts of §1, traps the rows of a table. */
function opens({ page, place }: Reference): boolean {
  if (!existsSync(new URL(page, root))) return false;
  if (place === undefined) return true;
  const text = textOf(page);
  const [kind, number = ''] = place.startsWith('§') ? ['§', place.slice(1)] : place.split(' ');
  if (kind === 'trap') return text.includes(`\n| ${number} |`);
  const heading = kind === 'fact' ? `1.${number}` : number;
  return new RegExp(`^#+ ${heading.replaceAll('.', '\\.')} `, 'm').test(text);
}

const sources = sourcesIn('src', 'test', 'bench', 'demo', 'playground', 'tools').filter(
  ({ path }) => !path.startsWith('test/unit/docs/'),
);

test('the references are seen', () => {
  const source = {
    path: '',
    text: '// as slack.md facts 2 and 3, §4, and protocol.md\n// §2.1, trap 12; README.md',
  };
  expect(referencesOf(source)).toEqual([
    { page: 'docs/slack.md', place: 'fact 2' },
    { page: 'docs/slack.md', place: 'fact 3' },
    { page: 'docs/slack.md', place: '§4' },
    { page: 'docs/protocol.md', place: '§2.1' },
    { page: 'docs/protocol.md', place: 'trap 12' },
    { page: 'README.md', place: undefined },
    { page: 'docs/protocol.md', place: 'trap 12' },
  ]);
  expect(opens({ page: 'docs/slack.md', place: 'fact 12' })).toBe(false);
  expect(opens({ page: 'docs/protocol.md', place: 'trap 56' })).toBe(false);
  expect(opens({ page: 'docs/protocol.md', place: '§2.8' })).toBe(false);
  expect(sources.flatMap(referencesOf).length).toBeGreaterThan(100);
});

test('each opens', () => {
  const shut = sources.flatMap((source) =>
    referencesOf(source)
      // A test may speak of any file; of ours where it names a place.
      .filter(({ place }) => place !== undefined || /^(src|bench|tools|playground)\//.test(source.path))
      .filter((reference) => !opens(reference))
      .map(({ page, place = '' }) => `${source.path}: ${page} ${place}`),
  );
  expect([...new Set(shut)]).toEqual([]);
});

const PAPERS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'demo/README.md',
  'docs/performance.md',
  'playground/README.md',
];

test.each(PAPERS)('each file of ours that %s names is there', (paper) => {
  const ours = /(?<![\w/.])(?:bench|bin|demo|deploy|docs|playground|src|test|tools)\/[\w./-]*\.\w+/g;
  const named = textOf(paper).match(ours) ?? [];
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
});
