import { type Node, parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';
import { sourcesIn, textOf } from './sources.ts';

/**
 * regular-expressions.txt: each regular expression of src with the bound of the text that it meets. A file; how long the text
 * can be, and why the expression takes no longer than in proportion where that does not show; the expressions, or `all` of a
 * file or a folder. `takes their square`: recheck (github.com/makenowjust-labs/recheck) has found a text for it, so that the
 * length alone bounds it. A new expression needs its bound there.
 */
const bounds = readBounds(textOf('test/unit/docs/regular-expressions.txt'));

interface Bound {
  file: string;
  bound: string;
  expression: string;
}

function readBounds(text: string): Bound[] {
  let file = '';
  let bound = '';
  return text.split('\n').flatMap((line): Bound[] => {
    const [, blanks = '', words = ''] = /^( *)(.*)$/.exec(line) ?? [];
    if (words === '') return [];
    if (blanks === '') file = words;
    else if (blanks === '  ') bound = words;
    else return [{ file, bound, expression: words }];
    return [];
  });
}

interface Found {
  file: string;
  /** As it is written. */
  expression: string;
  /** It is made of a text that is only known when it runs. */
  isMade: boolean;
}

const found = sourcesIn('src').flatMap(({ path, text }) => expressionsIn(path, text));

function expressionsIn(path: string, text: string): Found[] {
  const expressions: Found[] = [];
  const note = ({ start, end }: Node, isMade: boolean): void =>
    void expressions.push({ file: path.slice('src/'.length), expression: text.slice(start, end), isMade });
  const noteMade = (node: Node & { callee: Node }): void => {
    if (node.callee.type === 'Identifier' && node.callee.name === 'RegExp') note(node, true);
  };
  const { program, errors } = parseSync(path, text);
  expect(errors).toEqual([]);
  new Visitor({
    Literal: (node) => {
      if ('regex' in node) note(node, false);
    },
    NewExpression: noteMade,
    CallExpression: noteMade,
  }).visit(program);
  return expressions;
}

function isOf({ file, expression }: Bound, each: Found): boolean {
  const isThere = file.endsWith('/') ? each.file.startsWith(file) : each.file === file;
  return isThere && (expression === 'all' || expression === each.expression);
}

test('the expressions of a text are seen', () => {
  const text = 'const a = / b$/g;\nf(x / 2 / y, `${/[/]c/.test("/d/")}`);\nnew RegExp(b);\n// /e/';
  expect(expressionsIn('src/a/b.ts', text)).toEqual([
    { file: 'a/b.ts', expression: '/ b$/g', isMade: false },
    { file: 'a/b.ts', expression: '/[/]c/', isMade: false },
    { file: 'a/b.ts', expression: 'new RegExp(b)', isMade: true },
  ]);
});

test('each regular expression has a bound, and each bound an expression', () => {
  const unbounded = found.filter((each) => !each.isMade && !bounds.some((bound) => isOf(bound, each)));
  expect(unbounded.map(({ file, expression }) => `${file} ${expression}`)).toEqual([]);
  const idle = bounds.filter((bound) => !found.some((each) => isOf(bound, each)));
  expect(idle.map(({ file, expression }) => `${file} ${expression}`)).toEqual([]);
});

test('the constants that bounds name are there', () => {
  const source = sourcesIn('src')
    .map(({ text }) => text)
    .join('\n');
  const named = new Set(
    bounds.flatMap(({ bound }) => bound.match(/\b[A-Z]+(?:_[A-Z]+)+\b|(?<=\()[A-Z]+(?=\))/g) ?? []),
  );
  const gone = [...named].filter(
    (name) => !source.includes(`const ${name} = `) && !source.includes(`${name}: `),
  );
  expect(named.size).toBeGreaterThan(20);
  expect(gone).toEqual([]);
});

test('only the bot’s own user id is made into a regular expression', () => {
  expect(found.filter(({ isMade }) => isMade).map(({ file }) => file)).toEqual(['slack/parsing/mrkdwn.ts']);
});
