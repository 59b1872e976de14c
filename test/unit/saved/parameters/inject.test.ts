import { describe, expect, test } from 'vitest';
import { inject } from '../../../../src/saved/parameters/inject.ts';
import { readParameters } from '../../../../src/saved/parameters/values.ts';

function put(code: string | readonly string[], typed: string, language = 'python'): readonly string[] {
  return inject(typeof code === 'string' ? [code] : code, readParameters(typed), language);
}

const all = String.raw`i=5 big=3000000000 huge=99999999999999999999 d=-1.5 t=true f=false x=null s="a \"b\"\\ é 😀 \n" l=[1, "q"]`;

const n = '# Parameters\nn = 5';

test('each language has its literals and its assignment', () => {
  expect(put('1', all)[0]).toBe(
    [
      '# Parameters',
      'i = 5',
      'big = 3000000000',
      'huge = 99999999999999999999',
      'd = -1.5',
      't = True',
      'f = False',
      'x = None',
      String.raw`s = "a \"b\"\\ é 😀 \n"`,
      'l = [1, "q"]',
    ].join('\n'),
  );
  expect(put('1', all, 'scala')[0]).toBe(
    [
      '// Parameters',
      'val i = 5',
      'val big = 3000000000L',
      'val huge = BigInt("99999999999999999999")',
      'val d = -1.5',
      'val t = true',
      'val f = false',
      'val x = None',
      String.raw`val s = "a \"b\"\\ é 😀 \n"`,
      'val l = Seq(1, "q")',
    ].join('\n'),
  );
  expect(put('1', all, 'R')[0]).toBe(
    [
      '# Parameters',
      'i = 5',
      'big = 3000000000',
      'huge = 99999999999999999999',
      'd = -1.5',
      't = TRUE',
      'f = FALSE',
      'x = NULL',
      String.raw`s = "a \"b\"\\ é 😀 \n"`,
      'l = list(1, "q")',
    ].join('\n'),
  );
});

test('values that a run was given, and that were saved with it, are overwritten by new ones', () => {
  const once = put('n = 1\nm = 2\nprint(n, m)', 'n=5');
  const twice = put(once, 'n=7 m=8');
  const last = ['# Parameters\nn = 7\nm = 8', 'print(n, m)'];
  expect(twice).toEqual(['n = 1\nm = 2', '# Parameters\nn = 5', ...last]);
  expect(put(twice, 'n=9').slice(-2)).toEqual(['# Parameters\nn = 9', 'print(n, m)']);
  expect(put(put('println(n)', 'n=5', 'scala'), 'n=6', 'scala')).toEqual([
    '// Parameters\nval n = 5',
    '// Parameters\nval n = 6',
    'println(n)',
  ]);
});

test.each<[string, readonly string[], readonly string[]]>([
  [
    'behind a cell of imports',
    ['import x', 'n = 1\nm = 2', 'x.f(n)'],
    ['import x', 'n = 1\nm = 2', n, 'x.f(n)'],
  ],
  [
    'in a later cell',
    ['m = 2', '# how many\n', 'n = 1\nf(n)\nk = 3'],
    ['m = 2', '# how many\n', 'n = 1', n, 'f(n)\nk = 3'],
  ],
  ['before a cell that uses it', ['n = 1', 'k = n + 1', 'f(k)'], ['n = 1', n, 'k = n + 1', 'f(k)']],
  ['before the imports of cells without assignments', ['import x', 'x.f(n)'], [n, 'import x', 'x.f(n)']],
  [
    'behind the assignments before the first code alone',
    ['import x', 'f(2)', 'm = 1'],
    [n, 'import x', 'f(2)', 'm = 1'],
  ],
  [
    'behind the cell with its default',
    ['f()', 'import x\nn = 1', 'f(n)'],
    ['f()', 'import x\nn = 1', n, 'f(n)'],
  ],
  [
    'behind what it was given before',
    ['f()', 'n = 1', '# Parameters\nn = 4\nm = 2', 'f(n)'],
    ['f()', 'n = 1', '# Parameters\nn = 4\nm = 2', n, 'f(n)'],
  ],
  ['before a later change of it', ['n = 1', 'f(n)', 'n = 2'], ['n = 1', n, 'f(n)', 'n = 2']],
])('in code of several cells: %s', (_where, cells, expected) => {
  expect(put(cells, 'n=5')).toEqual(expected);
});

test('settings below a docstring are a first block, too: before them the values would be overwritten', () => {
  const docstring = '"""Counts.\n\nn: how many\n"""';
  expect(put(`${docstring}\nn = 1\nprint(n)`, 'n=2')).toEqual([
    `${docstring}\nn = 1`,
    '# Parameters\nn = 2',
    'print(n)',
  ]);
  expect(put(`${docstring}\nprint(n)`, 'n=2')).toEqual(['# Parameters\nn = 2', `${docstring}\nprint(n)`]);
  // A comment may stand behind it, and another text of three quotes below.
  const commented = '"""Doc""" # v2';
  expect(put(`${commented}\nn = 1\nprint(n)`, 'n=2')[0]).toBe(`${commented}\nn = 1`);
  const below = `${commented}\nq = f"""{n}"""\nm = 3\nprint(q)`;
  expect(put(below, 'n=7')).toEqual(['# Parameters\nn = 7', below]);
});

test.each([
  ['python', String.raw`s = "\x00\x07\f\\u0007"`],
  ['scala', String.raw`val s = "\u0000\u0007\f\\u0007"`],
  ['r', String.raw`s = "\u0000\u0007\f\\u0007"`],
])('control characters are escaped in %s', (language, line) => {
  const parameters = [{ name: 's', value: { kind: 'text', text: '\u0000\u0007\f\\u0007' } }] as const;
  expect(inject(['1'], parameters, language)[0]?.split('\n')[1]).toBe(line);
});

test('marks for the direction of text are escaped in R, which refuses code that has them', () => {
  expect(put('1', 's="\u2067שלום\u2069\u202a\u202e"', 'R')[0]).toBe(
    `# Parameters\n${String.raw`s = "\u2067שלום\u2069\u202a\u202e"`}`,
  );
});

test('Scala takes the least int and the least long as they are', () => {
  expect(
    put('1', 'a=-2147483648 b=-2147483649 c=-9223372036854775808 d=-9223372036854775809', 'scala')[0],
  ).toBe(
    '// Parameters\nval a = -2147483648\nval b = -2147483649L\nval c = -9223372036854775808L\nval d = BigInt("-9223372036854775809")',
  );
});

describe('where it is put', () => {
  test.each<[string, string, readonly string[]]>([
    ['before code without assignments', 'print(n)', [n, 'print(n)']],
    ['behind a first block of assignments', 'n = 1\nm = 2\nprint(n)', ['n = 1\nm = 2', n, 'print(n)']],
    ['behind code that is nothing else', 'n = 1\n', ['n = 1', n]],
    [
      'behind imports and comments',
      '# a\nimport x\nn = 1\n\nx.f(n)',
      ['# a\nimport x\nn = 1', n, '\nx.f(n)'],
    ],
    [
      'behind a line magic and a shell command',
      '%matplotlib inline\n!pip install -q x==1\nn = 1\nf(n)',
      ['%matplotlib inline\n!pip install -q x==1\nn = 1', n, 'f(n)'],
    ],
    ['before a magic that assigns', '%time m = n\nn = 1', [n, '%time m = n\nn = 1']],
    ['before a cell magic', '%%time\nn = 1', [n, '%%time\nn = 1']],
    ['before code with imports alone', 'import x\nx.f(n)', [n, 'import x\nx.f(n)']],
    ['before what uses it', 'n = 1\nrows = f(n)\nk = 2', ['n = 1', n, 'rows = f(n)\nk = 2']],
    ['before a text that shows it', 'n = 1\ns = f"{n} rows"', ['n = 1', n, 's = f"{n} rows"']],
    ['before a raw text that shows it', 'n = 1\ns = fr"{n} rows"', ['n = 1', n, 's = fr"{n} rows"']],
    ['behind a raw text that only spells it', 'n = 1\ns = rb"n"\nf(n)', ['n = 1\ns = rb"n"', n, 'f(n)']],
    ['behind a text that only spells it', 'n = 1\ns = "n"\nprint(n)', ['n = 1\ns = "n"', n, 'print(n)']],
    ['behind a computed default', 'n = today()\nf(n)', ['n = today()', n, 'f(n)']],
    ['behind a literal over lines', 'l = [\n  1,\n]\nn = 1\nf(n)', ['l = [\n  1,\n]\nn = 1', n, 'f(n)']],
    ['before a cell magic', '%%sql\nselect 1', [n, '%%sql\nselect 1']],
    ['before two statements on a line', 'n = 1; print(n)', [n, 'n = 1; print(n)']],
    ['before a line that goes on', 'n = 1 + \\\n 2', [n, 'n = 1 + \\\n 2']],
    ['before a comparison', 'n == 1', [n, 'n == 1']],
    ['before what is indented', '  n = 1', [n, '  n = 1']],
    ['before a text over lines', 's = """a\nb"""\nn', [n, 's = """a\nb"""\nn']],
    [
      'behind annotated and paired names',
      'n: int = 1\na, b = 1, 2\nf()',
      ['n: int = 1\na, b = 1, 2', n, 'f()'],
    ],
  ])('%s', (_, code, blocks) => {
    expect(put(code, 'n=5')).toEqual(blocks);
  });

  test('Scala and R by their own assignments', () => {
    expect(put('val n = 1\nvar k: Int = 2\nf(n)', 'n=5', 'scala')).toEqual([
      'val n = 1\nvar k: Int = 2',
      '// Parameters\nval n = 5',
      'f(n)',
    ]);
    expect(put('library(x)\nn <- 1\nk = 2\nf(n)', 'n=5', 'R')).toEqual([
      'library(x)\nn <- 1\nk = 2',
      n,
      'f(n)',
    ]);
  });

  test('an interpolator of any name shows it', () => {
    const code = 'val n = 1\nval s = raw"$n rows"';
    expect(put(code, 'n=5', 'scala')[2]).toBe('val s = raw"$n rows"');
  });

  test('a line of very many texts does not hold up other work', () => {
    for (const text of ['"a"', 'f"{a}"']) {
      const code = `n = [${`${text}, `.repeat(100_000)}]`;
      const begun = process.threadCpuUsage();
      expect(put(code, 'n=5')).toEqual([code, n]);
      expect(process.threadCpuUsage(begun).user / 1_000).toBeLessThan(1_000);
    }
  });

  test('nothing given, nothing changed', () => {
    expect(put(['a', 'b'], '')).toEqual(['a', 'b']);
  });
});

test.each([
  ['class=1', 'python', '“class” is not a name in Python'],
  ['a.b=1', 'python', '“a.b” is not a name in Python'],
  ['val=1', 'scala', '“val” is not a name in Scala'],
  ['_x=1', 'R', '“_x” is not a name in R'],
  ['...=1', 'R', '“...” is not a name in R'],
  ['..1=1', 'R', '“..1” is not a name in R'],
  ['NA_integer_=1', 'R', '“NA_integer_” is not a name in R'],
  ['n=1', 'julia', 'Python, Scala, R and SQL; this is julia'],
])('%s in %s is refused', (typed, language, sentence) => {
  expect(() => put('1', typed, language)).toThrow(sentence);
});

test('code of many lines that look like assignments is read in time', () => {
  const code = Array.from({ length: 20_000 }, (_, at) => `a${at} = [`).join('\n');
  expect(put(code, 'n=5')).toHaveLength(2);
});
