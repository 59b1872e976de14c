import type { Kernelspec } from '../../gateway/gateway.ts';
import { takesSql } from '../../spark/sql/kernel-code.ts';
import { hasSpark, plainLanguageWord } from './common-languages.ts';

const SQL_WORDS: readonly string[] = ['sql', 'sparksql', 'spark-sql'];

export function isSqlWord(word: string): boolean {
  return SQL_WORDS.includes(plainLanguageWord(word.toLowerCase()));
}

/**
 * The kernelspec that SQL runs on, of those whose name says Spark, where there are any: the channel's own, because the
 * views that its code made are there; else the usual one; else the gateway's first.
 */
export function sqlKernelspec(
  list: readonly Kernelspec[],
  channelKernelspec: Kernelspec | undefined,
  usual: Kernelspec | undefined,
): Kernelspec | undefined {
  const able = list.filter(({ language }) => takesSql(language));
  const named = able.filter(hasSpark);
  const fitting = named.length > 0 ? named : able;
  return (
    [channelKernelspec, usual].find((spec) => spec !== undefined && fitting.includes(spec)) ?? fitting[0]
  );
}
