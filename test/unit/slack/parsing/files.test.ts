import { expect, test } from 'vitest';
import {
  filesToRun,
  noCodeFile,
  notesOfFiles,
  type PostedFile,
  readFileSnippet,
  readPostedFiles,
} from '../../../../src/slack/parsing/files.ts';
import { readMrkdwn } from '../../../../src/slack/parsing/mrkdwn.ts';
import { readsAsCode } from '../../../../src/slack/parsing/snippet.ts';

const words = {
  isLanguage: (word: string) => ['python', 'python2', 'scala', 'r'].includes(word),
  isSpoken: (word: string) => word !== 'r',
  languageOf: () => 'python',
  isKernelspec: (word: string) => word === 'python3-spark',
  isMisspelt: (word: string) => word === 'pyhton',
  agree: (word: string, other: string) => word === other,
};
const typed = (text: string) => ({ parts: readMrkdwn(text, 'UBOT') });
const file = { kind: 'code', name: 'a.py', size: 1, url: undefined, syntax: 'python' } as const;
const python = { syntax: 'python', code: 'a' };

test.each([
  ['<@UBOT> python2', { language: 'python2', blocks: ['a'] }],
  ['<@UBOT> pyhton', { language: 'pyhton', blocks: ['a'] }],
  ['<@UBOT> please run this', { language: undefined, syntax: 'python', blocks: ['a'] }],
  ['', { language: undefined, syntax: 'python', blocks: ['a'] }],
])('%j beside a file', (text, snippet) => {
  expect(readFileSnippet(typed(text), [python], words)).toEqual(snippet);
});

test('several files are blocks in order; those of several languages are refused', () => {
  const text = { syntax: undefined, code: 'b' };
  expect(readFileSnippet(typed(''), [text, python], words)).toEqual({
    language: undefined,
    syntax: 'python',
    blocks: ['b', 'a'],
  });
  expect(() => readFileSnippet(typed(''), [python, { syntax: 'scala', code: '' }], words)).toThrow(
    /several languages/,
  );
});

test('a file in a language without a kernel asks for that language, unless another one is named', () => {
  const r = { syntax: 'r', code: 'a' };
  expect(readFileSnippet(typed('<@UBOT> please'), [r], words)).toEqual({ language: 'r', blocks: ['a'] });
  expect(readFileSnippet(typed('<@UBOT> python2'), [r], words)).toMatchObject({ language: 'python2' });
});

test('code in the message itself runs, not the files beside it', () => {
  expect(filesToRun(typed('<@UBOT> ```1```'), [file])).toEqual([]);
  expect(filesToRun(typed('<@UBOT> look'), [file])).toEqual([file]);
});

test('of code in a message and a file beside it one runs, and the answer says which', () => {
  const picture = { kind: 'other', name: 'a.png' } as const;
  const notebook = { ...file, kind: 'notebook', name: 'b.ipynb' } as const;
  const notes = (text: string, ...files: PostedFile[]) => notesOfFiles({ typed: typed(text), files });
  expect(notes('<@UBOT> ```1```', file, picture)).toEqual(['a.py did not run: the code in the message did.']);
  expect(notes('<@UBOT> `1`', file, notebook)).toEqual([
    'a.py and b.ipynb did not run: the code in the message did.',
  ]);
  expect(notes('<@UBOT> print(1)', file)).toEqual(['The text beside a.py did not run.']);
  expect(notes('<@UBOT> n=5', notebook)).toEqual([]);
  expect(notes('<@UBOT> python2', file)).toEqual([]);
  expect(notes('<@UBOT> please run this', file)).toEqual([]);
  expect(notes('<@UBOT> ```1```', picture)).toEqual([]);
});

test('a file that is gone counts only if the message has no text', () => {
  const gone = { kind: 'gone', why: 'it was deleted' } as const;
  expect(filesToRun(typed('<@UBOT>'), [gone, file])).toEqual([gone, file]);
  expect(filesToRun(typed('<@UBOT> 1 + 1'), [gone])).toEqual([]);
});

test('a file that is not code is recognised by its name, and refused with it', () => {
  const files = readPostedFiles([{ id: 'F1', name: 'data.csv' }, { id: 'F2', name: 'a.py' }, {}]);
  expect(files.map(({ kind }) => kind)).toEqual(['other', 'code']);
  expect(filesToRun(typed(''), files)).toMatchObject([{ kind: 'code', name: 'a.py' }]);
  expect(noCodeFile(files).message).toMatch(/^data\.csv cannot be run\. What runs: \.py, /);
});

test.each([
  ['channels.json', 'json', 'other'],
  ['GenerateSeed.cs', 'csharp', 'other'],
  ['report.txt', 'text', 'code'],
  // A browser that saves a notebook from a page gives it a second ending.
  ['report.ipynb.txt', 'text', 'notebook'],
  ['report.ipynb.json', 'json', 'notebook'],
  // What was typed into Slack's box for snippets, with the kind that Slack guessed.
  ['-.cs', 'csharp', 'code'],
  ['Untitled', 'text', 'code'],
  ['untitled.rb', 'ruby', 'code'],
  ['daily.report', 'python', 'code'],
  [null, 'text', 'code'],
])('Slack calls text files snippets, too: %s', (name, filetype, kind) => {
  expect(readPostedFiles([{ id: 'F1', name, mode: 'snippet', filetype }])).toMatchObject([{ kind }]);
});

test.each([
  'print("one")',
  'x = 1',
  'df[0]',
  'import os',
  'select 1',
  '%time x',
  '1 + 1',
  'a <- 2',
  'y == 2',
  'SHOW tables',
])('%j looks like code', (text) => {
  expect(readsAsCode(text)).toBe(true);
});

test.each([
  '',
  'please look at this',
  'thanks, that was great!',
  'see (below) what ana wrote',
  'which one is it?',
])('%j is talk', (text) => {
  expect(readsAsCode(text)).toBe(false);
});

const notebook = { metadata: {}, cells: [{ kind: 'code', id: 'a', metadata: {}, source: 'x' }] } as const;
const unsaid = { kernelspec: undefined, language: undefined, version: undefined };
const posted = (language: object) => ({
  syntax: undefined,
  code: '',
  notebook: { name: 'n', notebook, language: { ...unsaid, ...language } },
});

test.each([
  ['', { kernelspec: 'python3-spark', language: 'python' }, { language: 'python3-spark' }],
  ['<@UBOT> scala', { kernelspec: 'python3-spark', language: 'python' }, { language: 'scala' }],
  ['<@UBOT> please', { kernelspec: 'conda-x', language: 'Scala' }, { language: undefined, syntax: 'scala' }],
  [
    '',
    { kernelspec: 'py', language: 'python', version: '2.7.18' },
    { language: undefined, syntax: 'python2' },
  ],
  ['', { kernelspec: 'python3', language: 'python' }, { language: undefined, syntax: 'python3' }],
  ['', { language: 'python' }, { language: undefined, syntax: 'python' }],
  ['', { language: 'R' }, { language: 'r' }],
  ['', { kernelspec: 'mine' }, { language: undefined, syntax: 'mine' }],
  ['', {}, { language: undefined }],
])('%j beside a notebook that says %j', (text, said, expected) => {
  expect(readFileSnippet(typed(text), [posted(said)], words)).toEqual({
    ...expected,
    blocks: ['x'],
    notebook: { name: 'n', notebook },
  });
});

test('a notebook beside another file is refused', () => {
  expect(() => readFileSnippet(typed(''), [python, posted({})], words)).toThrow('A notebook is run alone');
});

const tagged = (id: string, tag?: string) =>
  ({ kind: 'code', id, metadata: tag === undefined ? {} : { tags: [tag] }, source: id }) as const;
const withCells = (...cells: ReturnType<typeof tagged>[]) => ({
  syntax: undefined,
  code: '',
  notebook: { name: 'n', notebook: { metadata: {}, cells }, language: { ...unsaid, language: 'python' } },
});

test('values go behind the cell that is tagged `parameters`, else first, and replace those that were put in before', () => {
  const read = (...cells: ReturnType<typeof tagged>[]) =>
    readFileSnippet(typed('<@UBOT> python2 n=5\nday="a  b\nc"'), [withCells(...cells)], words);
  const given = '# Parameters\nn = 5\nday = "a  b\\nc"';
  expect(read(tagged('a'), tagged('p', 'parameters'), tagged('b'))).toMatchObject({
    language: 'python2',
    blocks: ['a', 'p', given, 'b'],
    notebook: {
      notebook: { cells: [{}, {}, { metadata: { tags: ['injected-parameters'] }, source: given }, {}] },
    },
  });
  expect(read(tagged('a')).blocks).toEqual([given, 'a']);
  const again = read(tagged('p', 'parameters'), tagged('old', 'injected-parameters'), tagged('b'));
  expect(again.blocks).toEqual(['p', given, 'b']);
});

test('in a notebook without such a tag they go behind its own settings, which would take their place', () => {
  const cell = (id: string, source: string) => ({ kind: 'code', id, metadata: { a: id }, source }) as const;
  const read = (...cells: ReturnType<typeof cell>[]) => {
    const empty = withCells();
    const filled = { ...empty.notebook, notebook: { metadata: {}, cells } };
    return readFileSnippet(typed('<@UBOT> n=5'), [{ ...empty, notebook: filled }], words);
  };
  const given = '# Parameters\nn = 5';
  const whole = read(cell('i', 'import x'), cell('e', ''), cell('s', 'n = 1\n'), cell('f', 'x.f(n)'));
  expect(whole.blocks).toEqual(['import x', 'n = 1', given, 'x.f(n)']);
  const split = read(cell('s', 'n = 1\nf(n)'));
  expect(split.blocks).toEqual(['n = 1', given, 'f(n)']);
  expect(split.notebook?.notebook.cells).toMatchObject([
    { id: 's', metadata: { a: 's' }, source: 'n = 1' },
    { metadata: { tags: ['injected-parameters'] } },
    { id: expect.not.stringMatching(/^s$/), metadata: { a: 's' }, source: 'f(n)' },
  ]);
  expect(read(cell('f', 'f(n)')).blocks).toEqual([given, 'f(n)']);
});

test('in a notebook of SQL the values replace markers', () => {
  const cells = [
    { kind: 'code', id: 'a', metadata: {}, source: 'select :n' },
    { kind: 'markdown', id: 'b', metadata: {}, source: ':n' },
    { kind: 'code', id: 'c', metadata: {}, source: 'select 1 where :n > 1' },
  ] as const;
  const empty = withCells();
  const filled = { ...empty, notebook: { ...empty.notebook, notebook: { metadata: {}, cells } } };
  const given = readFileSnippet(typed('<@UBOT> n=5'), [filled], { ...words, languageOf: () => 'sql' });
  expect(given.blocks).toEqual(['select 5', 'select 1 where 5 > 1']);
  expect(given.notebook?.notebook.cells.map(({ id, source }) => [id, source])).toEqual([
    ['a', 'select 5'],
    ['b', ':n'],
    ['c', 'select 1 where 5 > 1'],
  ]);
});

test.each(['n=five', 'n=5 please', 'please n=5', 'n=__import__("os")', 'class=5'])(
  '%s beside a notebook is refused, not ignored',
  (text) => {
    expect(() => readFileSnippet(typed(`<@UBOT> ${text}`), [withCells(tagged('a'))], words)).toThrow(
      'Nothing ran.',
    );
  },
);

test('unclosed quotes are read in linear time', () => {
  const begun = process.threadCpuUsage();
  const text = `n=5 ${String.raw`\"`.repeat(20_000)}`;
  expect(() => readFileSnippet(typed(`<@UBOT> ${text}`), [withCells(tagged('a'))], words)).toThrow(
    'Nothing ran.',
  );
  expect(process.threadCpuUsage(begun).user / 1_000).toBeLessThan(150);
});
