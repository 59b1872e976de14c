import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { type Source, sourcesIn, textOf } from './sources.ts';
import { partsOf, type Token, tokensOf } from './tokens.ts';
import { PROSE, STORED, WORDS } from './words.ts';

const PAPERS = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'demo/README.md',
  'deploy/helm/sparkthread/README.md',
  'docs/performance.md',
  'docs/protocol.md',
  'docs/slack.md',
  'docs/configuration.md',
  'docs/policy.md',
  'docs/audit.md',
  'docs/using.md',
];

/** The words that a name has and should not, as `lane (write: queue)`. */
function wrongIn(name: string, path: string, isFile = false): string[] {
  const parts = ` ${partsOf(name).join(' ')} `;
  return WORDS.filter(({ within }) => within?.some((place) => path.startsWith(place)) ?? true)
    .filter(
      ({ parts: banned = [], names = [], files = [] }) =>
        banned.some((part) => parts.includes(` ${part} `)) ||
        (!isFile && names.includes(name)) ||
        (isFile && files.some((beginning) => name.startsWith(beginning))),
    )
    .map(({ write }) => `${name} (write: ${write})`);
}

function wrongNames({ path, text }: Source): string[] {
  const names = new Set(
    tokensOf(text)
      .filter(({ kind }) => kind === 'name')
      .map((token) => token.text),
  );
  return [...names]
    .filter((name) => !STORED[path]?.includes(name))
    .flatMap((name) => wrongIn(name, path))
    .map((found) => `${path}: ${found}`);
}

/** Comments, and the texts in calls of a log. */
function proseIn(source: string): Token[] {
  const tokens = tokensOf(source).filter(({ text }) => text.trim() !== '');
  const prose: Token[] = [];
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'comment') prose.push(token);
    if (depth > 0 && token.kind === 'string') prose.push(token);
    const [called = '', dot = '', owner = ''] = [1, 2, 3].map((back) => tokens[index - back]?.text ?? '');
    const beginsLog =
      token.text === '(' &&
      dot === '.' &&
      /^(?:#?log|logger)$/.test(owner) &&
      /^(?:trace|debug|info|warn|error|fatal)$/.test(called);
    if (beginsLog || (depth > 0 && token.text === '(')) depth += 1;
    else if (depth > 0 && token.text === ')') depth -= 1;
  }
  return prose;
}

const sources = sourcesIn('src');

test('names, comments and log lines are told apart', () => {
  const source =
    "const a = /it's/.test(b) / 2; // a lane\nlog.info({ run }, `the wish ${nameOf(lane)} of`); say('door');";
  const names = tokensOf(source).filter(({ kind }) => kind === 'name');
  expect(names.map(({ text }) => text)).toEqual([
    'const',
    'a',
    'test',
    'b',
    'log',
    'info',
    'run',
    'nameOf',
    'lane',
    'say',
  ]);
  expect(proseIn(source).map(({ text, line }) => [text, line])).toEqual([
    ['// a lane', 1],
    ['`the wish ${', 2],
    ['} of`', 2],
  ]);
  expect(wrongIn('laneOf', 'src/a.ts')).toEqual(['laneOf (write: queue; the object is the kernel session)']);
  expect(wrongIn('planes', 'src/a.ts')).toEqual([]);
  expect(wrongIn('line', 'src/output/terminal/line.ts')).toEqual([]);
  expect(partsOf('HTTPServerLanes')).toEqual(['http', 'server', 'lanes']);
});

test('each thing has its one name', () => {
  const files = sources.flatMap(({ path }) =>
    wrongIn(basename(path).replace(/\.ts$/, ''), path, true).map((found) => `${path}: ${found}`),
  );
  expect([...files, ...sources.flatMap(wrongNames)]).toEqual([]);
});

test('the timer of node:timers/promises is called delay in all of src', () => {
  const imported = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/import \{([^}]*)\} from 'node:timers\/promises'/g)].map(([, names]) => [
      path,
      names?.trim(),
    ]),
  );
  expect(
    imported.filter(([, names]) => names !== 'setTimeout as delay' && names !== 'setImmediate as nextTurn'),
  ).toEqual([]);
});

test('comments and log lines have none of our former private words', () => {
  const others = sourcesIn('bench', 'demo', 'playground', 'test', 'tools').filter(
    ({ path }) => !path.startsWith('test/unit/docs/'),
  );
  const found = [...sources, ...others].flatMap(({ path, text }) =>
    proseIn(text)
      .filter((token) => PROSE.test(token.text))
      .map((token) => `${path}:${token.line}: ${PROSE.exec(token.text)?.[0] ?? ''}`),
  );
  expect(found).toEqual([]);
});

test.each(PAPERS)('%s has none of them', (path) => {
  const lines = textOf(path).split('\n');
  expect(lines.filter((line) => PROSE.test(line))).toEqual([]);
});
