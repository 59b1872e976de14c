import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import {
  chooseLanguage,
  languageWords,
  listLanguages,
  resolveLanguage,
} from '../../../../src/runs/languages/languages.ts';
import { cluster, languagesOf } from '../../../support/kernelspecs.ts';

function refusal(word: string | undefined, context = languagesOf()): UserError {
  try {
    resolveLanguage(word, context);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`${word} was not refused`);
}

describe('a word and the kernelspec it means', () => {
  it.each([
    ['python3-spark', 'python3-spark'],
    ['Python3-Spark', 'python3-spark'],
    ['python', 'python3'],
    ['py', 'python3'],
    ['Python', 'python3'],
    ['python3', 'python3'],
    ['py3', 'python3'],
    ['language-python', 'python3'],
    ['lang-py', 'python3'],
    ['ipython3', 'python3'],
    ['python3.11', 'python3'],
    ['Python3.11.4', 'python3'],
    ['python2', 'python2-spark21'],
    ['scala', 'scala-spark21'],
    ['spark-scala', 'scala-spark21'],
    ['r', 'ir'],
    ['R', 'ir'],
  ])('%s is %s', (word, kernelspec) => {
    expect(resolveLanguage(word, languagesOf())).toMatchObject({ kernelspec });
  });

  it('takes an alias of LANGUAGES before all else, in any case of letters', () => {
    const context = languagesOf({ aliases: { python2: 'python3-spark', scala: 'scala-spark21' } });
    expect(resolveLanguage('python2', context)).toMatchObject({ kernelspec: 'python3-spark' });
    expect(resolveLanguage('Python2', context)).toMatchObject({ kernelspec: 'python3-spark' });
  });

  it('never takes Python 3 for python2', () => {
    const context = languagesOf({
      kernelspecs: {
        default: 'python3',
        list: cluster.list.filter(({ name }) => !name.startsWith('python2')),
      },
    });
    const { code, message } = refusal('python2', context);
    expect(code).toBe('unknownLanguage');
    expect(message).toContain('an admin can add one');
  });

  it('never takes Python 2 for python3', () => {
    const context = languagesOf({
      kernelspecs: { default: '', list: cluster.list.filter(({ name }) => !name.startsWith('python3')) },
    });
    expect(refusal('python3', context).code).toBe('unknownLanguage');
    expect(resolveLanguage('python', context)).toMatchObject({ kernelspec: 'python2-spark21' });
  });

  it('refuses a word that fits several kernelspecs without the default, and lists them', () => {
    const { code, message } = refusal('pyspark');
    expect(code).toBe('ambiguousLanguage');
    expect(message).toContain('python2-spark21, python3-spark');
    const context = languagesOf({ kernelspecs: { ...cluster, default: 'python3-spark' } });
    expect(resolveLanguage('pyspark', context)).toMatchObject({ kernelspec: 'python3-spark' });
  });

  it.each([
    ['pyhton2', 'python2'],
    ['scalla', 'scala'],
    ['python3-sprak', 'python3-spark'],
  ])('names what is nearest to %s', (word, near) => {
    const { code, message } = refusal(word);
    expect(code).toBe('unknownLanguage');
    expect(message).toMatch(new RegExp(`Did you mean .*\\b${near}\\b`));
  });

  it('lists all languages if none is similar', () => {
    expect(refusal('klingonese').message).toBe(
      'Unknown language “klingonese”. Languages here: python2-spark21, python3, python3-spark, scala-spark21, ir.',
    );
  });

  it('says that an alias names a kernelspec that does not exist', () => {
    const { code, message } = refusal('spark', languagesOf({ aliases: { spark: 'gone' } }));
    expect(code).toBe('unknownLanguage');
    expect(message).toContain('stands for gone');
  });

  it.each(['constructor', '__proto__', 'toString'])('knows no language called %s', (word) => {
    expect(languageWords(languagesOf()).isLanguage(word)).toBe(false);
    expect(refusal(word).code).toBe('unknownLanguage');
  });
});

describe('without a word', () => {
  it('is the channel’s, then the configured one, then the gateway’s', () => {
    const chosen = { channelLanguage: 'scala-spark21', defaultLanguage: 'r' };
    expect(resolveLanguage(undefined, languagesOf(chosen))).toMatchObject({ kernelspec: 'scala-spark21' });
    expect(resolveLanguage(undefined, languagesOf({ defaultLanguage: 'r' }))).toMatchObject({
      kernelspec: 'ir',
    });
    expect(resolveLanguage(undefined, languagesOf())).toMatchObject({ kernelspec: 'python3' });
  });

  it('takes the only kernelspec when the gateway’s default is not there', () => {
    const [first] = cluster.list;
    const kernelspecs = { default: 'gone', list: first === undefined ? [] : [first] };
    expect(resolveLanguage(undefined, languagesOf({ kernelspecs }))).toMatchObject({
      kernelspec: 'python2-spark21',
    });
  });

  it('refuses when nothing says which', () => {
    expect(
      refusal(undefined, languagesOf({ kernelspecs: { ...cluster, default: 'gone' } })).message,
    ).toContain('no default language');
    expect(refusal(undefined, languagesOf({ kernelspecs: { default: 'x', list: [] } })).message).toContain(
      'no languages',
    );
    expect(refusal(undefined, languagesOf({ channelLanguage: 'gone' })).message).toContain(
      'not on the gateway',
    );
  });
});

describe('a snippet’s kernelspec', () => {
  it('is named by a word, never by a code block’s syntax', () => {
    expect(chooseLanguage({ language: 'scala' }, languagesOf())).toMatchObject({
      kernelspec: 'scala-spark21',
    });
    expect(chooseLanguage({ language: undefined, syntax: 'scala' }, languagesOf())).toMatchObject({
      kernelspec: 'scala-spark21',
    });
  });

  it('stays the channel’s when that speaks the syntax', () => {
    const context = languagesOf({ channelLanguage: 'python2-spark21' });
    expect(chooseLanguage({ language: undefined, syntax: 'python' }, context)).toMatchObject({
      kernelspec: 'python2-spark21',
    });
  });

  it('is the syntax’s where there is no default', () => {
    const context = languagesOf({ kernelspecs: { ...cluster, default: 'gone' } });
    expect(chooseLanguage({ language: undefined, syntax: 'scala' }, context)).toMatchObject({
      kernelspec: 'scala-spark21',
    });
    expect(() => chooseLanguage({ language: undefined, syntax: 'json' }, context)).toThrow(UserError);
  });

  it('stays the channel’s when the syntax says nothing', () => {
    for (const syntax of ['json', 'plain_text'])
      expect(chooseLanguage({ language: undefined, syntax }, languagesOf())).toMatchObject({
        kernelspec: 'python3',
      });
  });
});

describe('words for readers', () => {
  it('tells languages from near misses', () => {
    const words = languageWords(languagesOf());
    for (const word of ['python2', 'R', 'perl', 'scala-spark21'])
      expect(words.isLanguage(word), word).toBe(true);
    for (const word of ['pyhton2', 'scalla', 'pytohn', 'python4'])
      expect(words.isMisspelt(word), word).toBe(true);
    for (const word of ['print', 'import', 'spark', 'val', 'scale', 'x', 'rr', 'select', 'constructor']) {
      expect(words.isLanguage(word), word).toBe(false);
      expect(words.isMisspelt(word), word).toBe(false);
    }
  });

  it('lets words agree that can mean the same kernelspec', () => {
    const words = languageWords(languagesOf());
    expect(words.agree('python2', 'python')).toBe(true);
    expect(words.agree('python', 'py')).toBe(true);
    expect(words.agree('Scala', 'scala')).toBe(true);
    expect(words.agree('python', 'python2')).toBe(false);
    expect(words.agree('python', 'scala')).toBe(false);
    expect(words.agree('perl', 'python')).toBe(false);
  });
});

describe('the list of languages', () => {
  it('gives each kernelspec its words and marks the default', () => {
    const list = listLanguages(languagesOf({ aliases: { spark: 'python3-spark' } }));
    expect(list.map(({ kernelspec, isDefault }) => [kernelspec, isDefault])).toEqual([
      ['python2-spark21', false],
      ['python3', true],
      ['python3-spark', false],
      ['scala-spark21', false],
      ['ir', false],
    ]);
    expect(list.map(({ aliases }) => aliases)).toEqual([
      ['python2', 'py2'],
      ['python', 'py', 'py3'],
      ['spark'],
      ['spark-scala', 'scala-spark', 'scala'],
      ['r'],
    ]);
  });

  it('lists a word only once if it is both configured and common', () => {
    const list = listLanguages(languagesOf({ aliases: { python2: 'python3-spark' } }));
    expect(list.find(({ kernelspec }) => kernelspec === 'python3-spark')?.aliases).toEqual(['python2']);
  });

  it('looks at each kernelspec as often among many as among few', () => {
    const looksAt = (count: number): number => {
      let looks = 0;
      const list = Array.from({ length: count }, (_, n) => ({
        name: `k${n}`,
        displayName: `K${n}`,
        get language() {
          looks += 1;
          return 'python';
        },
      }));
      expect(listLanguages(languagesOf({ kernelspecs: { default: 'k0', list } }))).toHaveLength(count);
      return looks;
    };
    expect(looksAt(40) / 40).toBeLessThanOrEqual(looksAt(20) / 20);
  });

  it('marks nothing when there is no default', () => {
    const list = listLanguages(languagesOf({ kernelspecs: { ...cluster, default: 'gone' } }));
    expect(list.some(({ isDefault }) => isDefault)).toBe(false);
  });
});

it.each(['r2', 'x.1', 'r4.3', 'language-', 'ipy', 'spark2.1', 'v1.2'])('%s is no language', (word) => {
  expect(languageWords(languagesOf()).isLanguage(word)).toBe(false);
});
