import { expect, test } from 'vitest';
import { sourcesIn } from './sources.ts';

/** CONTRIBUTING.md: what programs look for in the log. */

const uses = sourcesIn('src').flatMap(({ path, text }) =>
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
