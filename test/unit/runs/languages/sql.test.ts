import { expect, test } from 'vitest';
import {
  chooseLanguage,
  type LanguageContext,
  languageWords,
  listChoices,
  listLanguages,
  resolveLanguage,
  sqlLanguage,
} from '../../../../src/runs/languages/languages.ts';
import { cluster, languagesOf } from '../../../support/kernelspecs.ts';

const plain = { ...cluster, list: cluster.list.filter(({ name }) => name === 'python3' || name === 'ir') };

test.each<[string, Partial<LanguageContext>, string]>([
  ['the first whose name says Spark', {}, 'python2-spark21'],
  [
    'the gateway’s default where its name says so',
    { kernelspecs: { ...cluster, default: 'python3-spark' } },
    'python3-spark',
  ],
  ['DEFAULT_LANGUAGE', { defaultLanguage: 'python3-spark' }, 'python3-spark'],
  ['the channel’s', { channelLanguage: 'python3-spark', defaultLanguage: 'python2' }, 'python3-spark'],
  ['not the channel’s where another has Spark', { channelLanguage: 'python3' }, 'python2-spark21'],
  [
    'the channel’s own kernel in which Spark was at work, whatever its name says',
    { channelLanguage: 'python3', sparkKernelspec: 'python3' },
    'python3',
  ],
  [
    'that of the channel’s kernels in which Spark was at work',
    { channelLanguage: 'python3', sparkKernelspec: 'python3-spark', defaultLanguage: 'python2' },
    'python3-spark',
  ],
  ['the channel’s where no name says Spark', { channelLanguage: 'python3', kernelspecs: plain }, 'python3'],
  ['a name in spite of DEFAULT_LANGUAGE=sql', { defaultLanguage: 'sql' }, 'python2-spark21'],
])('SQL runs on %s', (_, change, kernelspec) => {
  const context = languagesOf(change);
  for (const word of ['sql', 'SQL', 'sparksql', 'spark-sql'])
    expect(resolveLanguage(word, context)).toMatchObject({ kernelspec, dialect: 'sql' });
  expect(chooseLanguage({ language: undefined, syntax: 'sql' }, context)).toMatchObject({
    kernelspec,
    dialect: 'sql',
  });
});

test('a kernel that speaks SQL, or that LANGUAGES calls so, gets it as it is', () => {
  const list = [...cluster.list, { name: 'xsql', displayName: 'SQLite', language: 'sql' }];
  const speaking = languagesOf({ kernelspecs: { ...cluster, list } });
  expect(resolveLanguage('sql', speaking)).toMatchObject({ kernelspec: 'xsql', dialect: undefined });
  expect(sqlLanguage(speaking)).toBeUndefined();
  expect(resolveLanguage('sql', languagesOf({ aliases: { sql: 'ir' } }))).toMatchObject({
    kernelspec: 'ir',
    dialect: undefined,
  });
});

test('SQL is refused with the reason if no kernel can run it', () => {
  const context = languagesOf({
    kernelspecs: { default: 'bash', list: [{ name: 'bash', displayName: 'Bash', language: 'bash' }] },
  });
  expect(() => resolveLanguage('sql', context)).toThrow('SQL runs in a Spark kernel of Python, Scala or R');
  expect(languageWords(context).isSpoken('sql')).toBe(false);
  expect(listChoices(context)).toEqual(listLanguages(context));
});

test('in a channel on SQL code without a language is SQL, and a named language counts', () => {
  const context = languagesOf({ channelLanguage: 'python3-spark', channelDialect: 'sql' });
  const sql = { kernelspec: 'python3-spark', dialect: 'sql' };
  expect(chooseLanguage({ language: undefined }, context)).toMatchObject(sql);
  expect(chooseLanguage({ language: undefined, syntax: 'json' }, context)).toMatchObject(sql);
  expect(chooseLanguage({ language: undefined, syntax: 'python' }, context)).toMatchObject({
    kernelspec: 'python3-spark',
  });
  expect(chooseLanguage({ language: 'scala' }, context)).toMatchObject({
    kernelspec: 'scala-spark21',
    dialect: undefined,
  });
});

test('a repeated run uses its old kernelspec', () => {
  expect(chooseLanguage({ language: 'python3-spark', dialect: 'sql' }, languagesOf())).toMatchObject({
    kernelspec: 'python3-spark',
    dialect: 'sql',
  });
});

test('SQL and the language of its kernel are two languages', () => {
  const words = languageWords(languagesOf({ channelLanguage: 'python3-spark' }));
  expect(words.agree('sql', 'pyspark')).toBe(false);
  expect(words.agree('python3-spark', 'sql')).toBe(false);
  expect(words.agree('sql', 'SparkSQL')).toBe(true);
});

test('is a choice of its own in the editor, and no other word for its kernel', () => {
  const context = languagesOf({ channelDialect: 'sql' });
  expect(listLanguages(context).flatMap(({ aliases }) => aliases)).not.toContain('sql');
  const chosen = listChoices(context).filter(({ isDefault }) => isDefault);
  expect(chosen).toMatchObject([{ kernelspec: 'sql', displayName: 'Spark SQL' }]);
});
