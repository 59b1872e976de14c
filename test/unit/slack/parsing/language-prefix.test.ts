import { describe, expect, it } from 'vitest';
import { languageWords } from '../../../../src/runs/languages/languages.ts';
import { splitLanguageLine, splitLanguageWord } from '../../../../src/slack/parsing/snippet.ts';
import { languagesOf } from '../../../support/kernelspecs.ts';

const { isLanguage } = languageWords(languagesOf());

describe('the first word of bare text', () => {
  it.each([
    ['python2 sc.parallelize(range(10)).count()', 'python2', 'sc.parallelize(range(10)).count()'],
    ['python2 %%sql select 1', 'python2', '%%sql select 1'],
    ['python2 %time x', 'python2', '%time x'],
    ['python2 [1]', 'python2', '[1]'],
    ['python2 (1)', 'python2', '(1)'],
    ['python2 {1}', 'python2', '{1}'],
    ['python2 "a"', 'python2', '"a"'],
    ['python2 !ls', 'python2', '!ls'],
    ['python2 # note', 'python2', '# note'],
    ['python2 @decorator', 'python2', '@decorator'],
    ['python2 import os', 'python2', 'import os'],
    ['python2 int("3")', 'python2', 'int("3")'],
    ['python2 in_order()', 'python2', 'in_order()'],
    ['python2 isinstance(1, int)', 'python2', 'isinstance(1, int)'],
    ['python2 not x', 'python2', 'not x'],
    ['python2 %%bash\nls', 'python2', '%%bash\nls'],
    ['python3 if x:', 'python3', 'if x:'],
    ['python3 if x:\n  y\nelse:\n  z', 'python3', 'if x:\n  y\nelse:\n  z'],
    ['r if (s) t', 'r', 'if (s) t'],
    ['python3 if x: elsewhere()', 'python3', 'if x: elsewhere()'],
    ['python2 order', 'python2', 'order'],
    ['python2 ifélse', 'python2', 'ifélse'],
    ['Python2  x', 'Python2', 'x'],
    ['python2\tx', 'python2', 'x'],
    ['python2\nx = 1\nx', 'python2', 'x = 1\nx'],
    ['python2  \r\n  x = 1', 'python2', '  x = 1'],
    ['scala\n// a comment', 'scala', '// a comment'],
    ['python2\n\nx', 'python2', '\nx'],
    ['python2', 'python2', ''],
    ['r', 'r', ''],
    ['sql /* all /* of */ them */ select 1', 'sql', '/* all /* of */ them */ select 1'],
    ['sql -- all\nselect 1', 'sql', '-- all\nselect 1'],
    ['scala-spark21 sc.version', 'scala-spark21', 'sc.version'],
  ])('%j names a language', (text, language, code) => {
    expect(splitLanguageWord(text, isLanguage)).toEqual({ language, code });
  });

  it.each([
    'r = 5',
    'r <- 5',
    'r == 5',
    'r > 5',
    'r + 1',
    'r - 1',
    'r * 2',
    'r / 2',
    'r & s',
    'sql - 1',
    'sql / 2',
    'scala /* a comment */',
    'r | s',
    'r ^ 2',
    'r .real',
    'r , s = 1, 2',
    'r : int = 5',
    'r ; s',
    'r )',
    'r ]',
    'r % 5',
    'r %= 5',
    'r != 5',
    'r %in% x',
    'r %>% head',
    'r %% 2',
    'r not in x',
    'r in x',
    'r is None',
    'r and s',
    'r or s',
    'r if s else t',
    'r if(s) else t',
    'r if s else t\nx',
    'r=5',
    'r<-5',
    'r.real',
    'r[0]',
    'r(5)',
    'print 1',
    'x',
    '',
    ' python2 x',
    '\nx',
  ])('%j is code', (text) => {
    expect(splitLanguageWord(text, isLanguage)).toEqual({ code: text });
  });
});

describe('the first line of a fence', () => {
  it.each([
    ['python2\nprint 1', 'python2', 'print 1'],
    ['scala\n// note\n1', 'scala', '// note\n1'],
    [' r \r\n1', 'r', '1'],
    ['python2\n\n  x', 'python2', '\n  x'],
    ['{r}\nx', 'r', 'x'],
    ['{r echo=FALSE}\nx', 'r', 'x'],
    ['{r, echo=FALSE, fig.cap="a, b"}\nx', 'r', 'x'],
    ['{r setup, include = FALSE}\nx', 'r', 'x'],
    ['{r fig.dim=c(6, 4)}\nx', 'r', 'x'],
    ['{python}\nx', 'python', 'x'],
    ['{.python .cell #one startFrom="2"}\nx', 'python', 'x'],
    ['python title="a.py"\nx', 'python', 'x'],
    ['python {1,3-4} title="a.py"\nx', 'python', 'x'],
  ])('%j names the language', (text, language, code) => {
    expect(splitLanguageLine(text, isLanguage)).toEqual({ language, code });
  });

  it.each([
    'python2',
    'python2\n',
    'r\n  \n',
    'python2 x\ny',
    'python2 x=5\ny',
    '{r}',
    '{r}\n',
    '{x}\ny',
    '{r, s}\ny',
    '{r for r in x}\ny',
    '{r in x}\ny',
    '{r == 1}\ny',
    'x\ny',
    '\npython2\nx',
    'r = 1\nr',
    '',
  ])('%j does not', (text) => {
    expect(splitLanguageLine(text, isLanguage)).toEqual({ code: text });
  });
});
