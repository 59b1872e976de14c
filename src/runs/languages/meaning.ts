import { distance } from 'fastest-levenshtein';
import type { Kernelspec, Kernelspecs } from '../../gateway/gateway.ts';
import { takesSql } from '../../spark/sql/kernel-code.ts';
import type { Dialect } from '../admission/snippet.ts';
import { commonLanguages, hasSpark, plainLanguageWord } from './common-languages.ts';

/** What a word can mean here and now. */
export interface LanguageContext {
  kernelspecs: Kernelspecs;
  /** LANGUAGES: alias in lower case → kernelspec. */
  aliases: Readonly<Record<string, string>>;
  /** Chosen for this channel with `use`, else that of its kernel. */
  channelLanguage?: string | undefined;
  /** Of a kernel of this channel in which Spark was at work, whatever its name says. */
  sparkKernelspec?: string | undefined;
  /** `use sql`: what names no language here is SQL. */
  channelDialect?: Dialect | undefined;
  /** DEFAULT_LANGUAGE. */
  defaultLanguage?: string | undefined;
}

/** SQL runs in a kernel of another language, unless there is one that speaks it, or that LANGUAGES calls so. */
export function dialectOf(word: string, context: LanguageContext): Dialect | undefined {
  return isSqlWord(word) && (kernelsOf(word, context) ?? []).length === 0 && !isAlias(word, context)
    ? 'sql'
    : undefined;
}

/** The kernelspecs a word fits, none for a language that has no kernel here; undefined for what is no language. */
export function meaningOf(word: string, context: LanguageContext): readonly Kernelspec[] | undefined {
  if (dialectOf(word, context) === undefined) return kernelsOf(word, context);
  const { channelLanguage: chosen, sparkKernelspec, defaultLanguage: byDefault, kernelspecs } = context;
  const specOf = (said: string | undefined): Kernelspec | undefined =>
    said === undefined ? undefined : pick(kernelsOf(said, context) ?? [], context);
  const usual = specOf(byDefault) ?? specOf(kernelspecs.default);
  const isOfSpark = (spec: Kernelspec): boolean => hasSpark(spec) || spec.name === sparkKernelspec;
  const spec = sqlKernelspec(kernelspecs.list, isOfSpark, specOf(chosen), usual);
  return spec === undefined ? [] : [spec];
}

function isAlias(word: string, { aliases }: LanguageContext): boolean {
  return Object.hasOwn(aliases, word.toLowerCase());
}

/** The kernelspecs whose own language a word names. */
function kernelsOf(word: string, context: LanguageContext): readonly Kernelspec[] | undefined {
  const { list } = context.kernelspecs;
  const lower = word.toLowerCase();
  const target = Object.hasOwn(context.aliases, lower) ? context.aliases[lower] : undefined;
  if (target !== undefined) return named(target, list);
  const exact = named(word, list);
  if (exact.length > 0) return exact;
  const fits = commonLanguages.get(lower) ?? commonLanguages.get(plainLanguageWord(lower));
  if (fits !== undefined) return list.filter(fits);
  const speaking = list.filter((spec) => spec.language.toLowerCase() === lower);
  return speaking.length > 0 ? speaking : undefined;
}

/** By exact name, else by one in other letters' case: a phone begins with a capital. */
function named(name: string, list: readonly Kernelspec[]): readonly Kernelspec[] {
  const exact = list.filter((spec) => spec.name === name);
  return exact.length > 0 ? exact : list.filter((spec) => spec.name.toLowerCase() === name.toLowerCase());
}

export function pick(fitting: readonly Kernelspec[], context: LanguageContext): Kernelspec | undefined {
  return fitting.length === 1 ? fitting[0] : fitting.find(({ name }) => name === context.kernelspecs.default);
}

/** Up to three of the usable words, the nearest first; none when all are far. */
export function nearestWords(word: string, usable: readonly string[]): string[] {
  const lower = word.toLowerCase();
  return usable
    .map((each) => ({ each, off: distance(lower, each.toLowerCase()) }))
    .filter(({ each, off }) => off <= Math.max(1, Math.min(3, each.length / 2)))
    .toSorted((a, b) => a.off - b.off)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Words of honest code that are one letter away from a language. */
const honestWords = new Set(['spark', 'scale', 'scales', 'scalar']);

/** Whether a word is one slip of the finger away from a usable one. */
export function isMisspelt(word: string, usable: readonly string[]): boolean {
  const lower = word.toLowerCase();
  if (lower.length < 5 || honestWords.has(lower)) return false;
  return usable.some((each) => {
    const right = each.toLowerCase();
    const off = distance(lower, right);
    return right.length >= 5 && (off === 1 || (off === 2 && sorted(lower) === sorted(right)));
  });
}

/** Two letters swapped cost two changes but leave the same letters. */
function sorted(word: string): string {
  return Array.from(word)
    .toSorted((a, b) => a.localeCompare(b))
    .join('');
}

const SQL_WORDS: readonly string[] = ['sql', 'sparksql', 'spark-sql'];

export function isSqlWord(word: string): boolean {
  return SQL_WORDS.includes(plainLanguageWord(word.toLowerCase()));
}

/**
 * The kernelspec that SQL runs on, of those that are Spark's, where there are any: the channel's own, because the
 * views that its code made are there; else the usual one; else the gateway's first.
 */
function sqlKernelspec(
  list: readonly Kernelspec[],
  isOfSpark: (spec: Kernelspec) => boolean,
  channelKernelspec: Kernelspec | undefined,
  usual: Kernelspec | undefined,
): Kernelspec | undefined {
  const able = list.filter(({ language }) => takesSql(language));
  const withSpark = able.filter(isOfSpark);
  const fitting = withSpark.length > 0 ? withSpark : able;
  return (
    [channelKernelspec, usual].find((spec) => spec !== undefined && fitting.includes(spec)) ?? fitting[0]
  );
}
