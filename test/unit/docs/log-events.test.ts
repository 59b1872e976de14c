import { expect, test } from 'vitest';
import { sourcesIn, textOf } from './sources.ts';

/** CONTRIBUTING.md: what programs look for in the log, and what the papers say of it. */

const sources = sourcesIn('src');
const uses = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/\bevent: '([^']*)'/g)].map(([, event = '']) => ({ path, event })),
);

test('each event of the log is a thing and what happened to it', () => {
  expect(uses.length).toBeGreaterThan(50);
  expect(uses.filter(({ event }) => !/^[a-z]+\.[a-z]+$/.test(event))).toEqual([]);
});

test('each event of the log stands in one place', () => {
  const places = Object.groupBy(uses, ({ event }) => event);
  const doubled = Object.entries(places).filter(([, found = []]) => found.length > 1);
  expect(doubled).toEqual([]);
});

test('only audit lines have the field by which they are known between the lines of the log', () => {
  const marked = sources.filter(({ text }) => /\blog\.\w+\(\s*\{[^{}]*\baudit:/.test(text));
  expect(marked.map(({ path }) => path)).toEqual([]);
});

/** The words of a type that is a union of texts. */
function wordsOf(type: string, path: string): string[] {
  const [, union = ''] = new RegExp(`type ${type} =([^;]*);`).exec(textOf(path)) ?? [];
  return [...union.matchAll(/'([\w.]+)'/g)].map(([, word = '']) => word);
}

test('the page of the audit has each event', () => {
  const rows = [...textOf('docs/audit.md').matchAll(/^\| `(\w+\.\w+)` \|/gm)].map(([, event = '']) => event);
  expect(rows.toSorted()).toEqual(wordsOf('AuditEvent', 'src/audit/audit.ts').toSorted());
});

test('the page of the audit names outcomes that runs have', () => {
  const outcomes = wordsOf('OutcomeKind', 'src/runs/outcome.ts');
  const [, row = ''] = /^\| `outcome` \|([^|]*)\|$/m.exec(textOf('docs/audit.md')) ?? [];
  const named = [...row.matchAll(/`(\w+)`/g)].map(([, word = '']) => word);
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((word) => !outcomes.includes(word))).toEqual([]);
});

test('each event that the README names is one', () => {
  const kinds = new Set(uses.map(({ event }) => event.split('.')[0]));
  const named = [...textOf('README.md').matchAll(/`([a-z]+)\.([a-z]+)`/g)]
    .filter(([, thing = '', happened = '']) => kinds.has(thing) && !['yml', 'sh', 'db'].includes(happened))
    .map(([, thing, happened]) => `${thing}.${happened}`);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((event) => !uses.some((use) => use.event === event))).toEqual([]);
});
