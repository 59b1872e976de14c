import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Source, sourcesIn } from './sources.ts';

/** The layout that ARCHITECTURE.md describes, counted. */

const FILES_A_FOLDER = 12;
const LINES_A_FILE = 250;
/** A bound for what src has, so that growth is a decision: a feature raises it by what it costs, in its own commit. */
const FILES_IN_ALL = 265;
const CODE_LINES_IN_ALL = 31_309;

/** What each room may import beside itself: rooms, which are folders of src or files in it, or files of one. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'errors.ts': [],
  'folders.ts': [],
  'log.ts': [],
  'waits.ts': [],
  'proxy.ts': [],
  'text.ts': [],
  audit: ['folders.ts', 'log.ts', 'waits.ts'],
  gateway: [],
  spark: ['text.ts'],
  output: ['gateway', 'spark', 'folders.ts', 'log.ts', 'errors.ts', 'waits.ts', 'text.ts'],
  notebooks: ['gateway', 'output', 'errors.ts', 'waits.ts', 'text.ts'],
  store: ['folders.ts', 'log.ts', 'errors.ts', 'waits.ts', 'text.ts'],
  config: ['gateway', 'store/store.ts', 'folders.ts', 'errors.ts', 'proxy.ts', 'text.ts'],
  runs: ['audit', 'gateway', 'output', 'notebooks', 'store', 'spark', 'log.ts', 'errors.ts', 'waits.ts'],
  saved: ['runs', 'spark', 'store', 'log.ts', 'errors.ts', 'waits.ts'],
  server: ['runs', 'spark', 'gateway', 'store', 'log.ts', 'errors.ts', 'waits.ts', 'text.ts'],
  slack: [
    'audit',
    'runs',
    'notebooks',
    'saved',
    'output',
    'gateway/errors.ts',
    'gateway/until-aborted.ts',
    'spark',
    'server',
    'log.ts',
    'errors.ts',
    'waits.ts',
    'proxy.ts',
    'text.ts',
  ],
  doctor: [
    'config',
    'audit',
    'slack',
    'server',
    'runs',
    'output',
    'spark',
    'gateway',
    'store',
    'log.ts',
    'errors.ts',
    'proxy.ts',
    'text.ts',
  ],
  'app.ts': [
    'audit',
    'notebooks',
    'config',
    'slack',
    'server',
    'saved',
    'runs',
    'output',
    'gateway',
    'store',
    'log.ts',
    'errors.ts',
  ],
  'shutdown.ts': ['log.ts'],
  'main.ts': [
    'app.ts',
    'shutdown.ts',
    'audit',
    'config',
    'slack',
    'server',
    'runs',
    'output',
    'gateway',
    'store',
    'log.ts',
    'errors.ts',
    'waits.ts',
  ],
};

/** Packages that only these rooms may import: who speaks to Slack, to kernels and to the store is known by them. */
const ROOMS_OF_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@slack/': ['slack', 'server', 'doctor'],
  ws: ['gateway'],
  undici: ['gateway', 'slack', 'spark', 'doctor'],
  keyv: ['store', 'runs', 'notebooks', 'saved', 'slack'],
};

const sources = sourcesIn('src');
const imports = new Map(sources.map((source) => [source.path, importsOf(source)]));

/** Files by their path and packages by their name. Types, too: a room that needs another's types knows that room. */
function importsOf({ path, text }: Source): string[] {
  return [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s+'([^']+)';|^import\s+'([^']+)';/gms)].map(
    ([, from, alone]) => {
      const name = from ?? alone ?? '';
      return name.startsWith('.') ? join(dirname(path), name) : name;
    },
  );
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(place.endsWith('/') ? place : `${place}/`);
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function codeLines({ text }: Source): number {
  return text.split('\n').filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length;
}

test('the imports are seen', () => {
  const text =
    "import type { A } from './a.ts';\nexport * from '../b.ts';\nimport {\n  c,\n} from './c/d.ts';\nimport 'ws';";
  expect(importsOf({ path: 'src/x/y.ts', text })).toEqual(['src/x/a.ts', 'src/b.ts', 'src/x/c/d.ts', 'ws']);
  expect(imports.get('src/main.ts')).toContain('src/app.ts');
});

test('imports go down, by rooms', () => {
  const wrong = [...imports].flatMap(([path, targets]) =>
    targets
      .filter((target) => target.startsWith('src/') && roomOf(target) !== roomOf(path))
      .filter((target) => !(MAY_IMPORT[roomOf(path)] ?? []).some((place) => isWithin(target, `src/${place}`)))
      .map((target) => `${path} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('the gateway’s client is a library: other rooms import its face alone', () => {
  const isFace = (target: string) => /^src\/gateway\/(?:[^/]+|auth\/credentials)\.ts$/.test(target);
  const wrong = [...imports].flatMap(([path, targets]) =>
    targets
      .filter((target) => isWithin(target, 'src/gateway') && roomOf(path) !== 'gateway' && !isFace(target))
      .map((target) => `${path} → ${target}`),
  );
  expect(wrong).toEqual([]);
});

test('packages stay in their rooms', () => {
  const wrong = [...imports].flatMap(([path, targets]) =>
    Object.entries(ROOMS_OF_PACKAGES)
      .filter(
        ([name, rooms]) => targets.some((target) => isWithin(target, name)) && !rooms.includes(roomOf(path)),
      )
      .map(([name]) => `${path} → ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('the playground is Slack: it knows no bot', () => {
  const known = sourcesIn('playground').flatMap(importsOf);
  expect(known.length).toBeGreaterThan(100);
  expect(known.filter((target) => isWithin(target, 'src'))).toEqual([]);
});

test('no file imports itself in a circle', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    const known = way.indexOf(path);
    if (known !== -1) circles.push([...way.slice(known), path].join(' → '));
    if (known !== -1 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) walk(target, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) walk(path, []);
  expect(circles).toEqual([]);
});

test(`no folder has more than ${FILES_A_FOLDER} files`, () => {
  const folders = Object.groupBy(sources, ({ path }) => dirname(path));
  const sizes = Object.entries(folders).map(([folder, files = []]) => [folder, files.length] as const);
  expect(sizes.filter(([, size]) => size > FILES_A_FOLDER)).toEqual([]);
});

test(`no file has more than ${LINES_A_FILE} lines`, () => {
  const sizes = sources.map(({ path, text }) => [path, text.trimEnd().split('\n').length] as const);
  expect(sizes.filter(([, size]) => size > LINES_A_FILE)).toEqual([]);
});

test('no interface is called after its host: a part gets the functions that it needs', () => {
  const named = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/\b(?:interface|type|class) (\w*Host)\b/g)].map(([, name]) => `${path}: ${name}`),
  );
  expect(named).toEqual([]);
});

test(`src has at most ${CODE_LINES_IN_ALL} lines of code in at most ${FILES_IN_ALL} files`, () => {
  expect(sources.length).toBeLessThanOrEqual(FILES_IN_ALL);
  expect(sources.reduce((sum, source) => sum + codeLines(source), 0)).toBeLessThanOrEqual(CODE_LINES_IN_ALL);
});
