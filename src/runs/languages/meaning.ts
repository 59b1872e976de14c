import { distance } from 'fastest-levenshtein';
import type { Kernelspec, Kernelspecs } from '../../gateway/gateway.ts';
import { plainLanguage, takesSql } from '../../spark/sql/kernel-code.ts';
import type { Dialect } from '../run.ts';

/** Everything that decides what a word means in a channel. */
export interface LanguageContext {
  kernelspecs: Kernelspecs;
  /** LANGUAGES: alias in lower case → kernelspec. */
  aliases: Readonly<Record<string, string>>;
  /** The kernelspec chosen with `use`, else that of the channel's kernel. */
  channelLanguage?: string | undefined;
  /** The kernelspec of a kernel of this channel that has used Spark, whatever its name says. */
  sparkKernelspec?: string | undefined;
  /** `use sql` was chosen: code without a language is SQL. */
  channelDialect?: Dialect | undefined;
  /** DEFAULT_LANGUAGE. */
  defaultLanguage?: string | undefined;
}

/** SQL runs in a kernel of another language, unless a kernelspec has that language or LANGUAGES has that word. */
export function dialectOf(word: string, context: LanguageContext): Dialect | undefined {
  return isSqlWord(word) && (kernelsOf(word, context) ?? []).length === 0 && !isAlias(word, context)
    ? 'sql'
    : undefined;
}

/** The kernelspecs that fit a word; none if the language has no kernel here; undefined if the word is no language. */
export function meaningOf(word: string, context: LanguageContext): readonly Kernelspec[] | undefined {
  return dialectOf(word, context) === undefined ? kernelsOf(word, context) : sqlKernelspec(context);
}

function isAlias(word: string, { aliases }: LanguageContext): boolean {
  return Object.hasOwn(aliases, word.toLowerCase());
}

/** The kernelspecs whose own language a word names. */
function kernelsOf(word: string, context: LanguageContext): readonly Kernelspec[] | undefined {
  const { list } = context.kernelspecs;
  const lower = word.toLowerCase();
  const target = isAlias(word, context) ? context.aliases[lower] : undefined;
  if (target !== undefined) return specsNamed(target, list);
  const exact = specsNamed(word, list);
  if (exact.length > 0) return exact;
  const fits = commonLanguages.get(lower) ?? commonLanguages.get(plainLanguageWord(lower));
  if (fits !== undefined) return list.filter(fits);
  const speaking = list.filter((spec) => spec.language.toLowerCase() === lower);
  return speaking.length > 0 ? speaking : undefined;
}

/** By the exact name, else by the name in any case: phones begin a message with a capital letter. */
function specsNamed(name: string, list: readonly Kernelspec[]): readonly Kernelspec[] {
  const exact = list.filter((spec) => spec.name === name);
  return exact.length > 0 ? exact : list.filter((spec) => spec.name.toLowerCase() === name.toLowerCase());
}

export function pick(fitting: readonly Kernelspec[], context: LanguageContext): Kernelspec | undefined {
  return fitting.length === 1 ? fitting[0] : fitting.find(({ name }) => name === context.kernelspecs.default);
}

/** Up to three similar words, the most similar first. */
export function nearestWords(word: string, usable: readonly string[]): string[] {
  const lower = word.toLowerCase();
  return usable
    .map((each) => ({ each, off: distance(lower, each.toLowerCase()) }))
    .filter(({ each, off }) => off <= Math.max(1, Math.min(3, each.length / 2)))
    .toSorted((a, b) => a.off - b.off)
    .slice(0, 3)
    .map(({ each }) => each);
}

/** Names in ordinary code that differ from a language by one letter. */
const namesInCode = new Set(['spark', 'scale', 'scales', 'scalar']);

/** Shorter words are too similar to others. */
const MIN_LETTERS = 5;

/** Whether a word is the right word with a single typing mistake. */
export function isSlip(word: string, rightWord: string): boolean {
  const [typed, right] = [word.toLowerCase(), rightWord.toLowerCase()];
  if (Math.min(typed.length, right.length) < MIN_LETTERS || namesInCode.has(typed)) return false;
  if (Math.abs(typed.length - right.length) > 1) return false;
  const off = distance(typed, right);
  return off === 1 || (off === 2 && sortLetters(typed) === sortLetters(right));
}

/** Two swapped letters are two changes, but the sorted letters are the same. */
export function sortLetters(word: string): string {
  return Array.from(word).toSorted().join('');
}

const SQL_WORDS: readonly string[] = ['sql', 'sparksql', 'spark-sql'];

export function isSqlWord(word: string): boolean {
  return SQL_WORDS.includes(plainLanguageWord(word.toLowerCase()));
}

/**
 * The kernelspec that runs SQL; none if none can. Those with Spark are preferred. Among them it is the channel's own, or
 * another of its kernels that has used Spark, which have the views that its code made; else the default, else the
 * gateway's first.
 */
function sqlKernelspec(context: LanguageContext): readonly Kernelspec[] {
  const { channelLanguage, sparkKernelspec, defaultLanguage, kernelspecs } = context;
  const able = kernelspecs.list.filter(({ language }) => takesSql(language));
  const withSpark = able.filter((spec) => hasSpark(spec) || spec.name === sparkKernelspec);
  const fitting = withSpark.length > 0 ? withSpark : able;
  const found = [channelLanguage, sparkKernelspec, defaultLanguage, kernelspecs.default]
    .map((word) => (word === undefined ? undefined : pick(kernelsOf(word, context) ?? [], context)))
    .find((spec) => spec !== undefined && fitting.includes(spec));
  return [found ?? fitting[0]].filter((spec) => spec !== undefined);
}

/** Each with its nicknames. */
const OTHERS =
  'bash=sh=shell,c#=csharp,c++=cpp,clojure=clj,cobol,elixir,erlang,f#=fsharp,fortran,golang,groovy,' +
  'haskell,java,javascript=js,julia=jl,kotlin=kt,lua,matlab,ocaml,octave,perl,php,powershell,r,' +
  'ruby=rb,rust=rs,scala,sql=sparksql=spark-sql,swift,typescript=ts';

/** Common words for languages, and the kernelspecs that each of them fits. */
export const commonLanguages: ReadonlyMap<string, (spec: Kernelspec) => boolean> = new Map([
  ...entries(['python', 'py'], (spec) => speaks(spec, 'python')),
  // A kernelspec without a version counts as Python 3.
  ...entries(['python3', 'py3'], (spec) => speaks(spec, 'python') && pythonVersion(spec) !== 2),
  ...entries(['python2', 'py2'], (spec) => speaks(spec, 'python') && pythonVersion(spec) === 2),
  ...entries(['pyspark'], (spec) => speaks(spec, 'python') && hasSpark(spec)),
  ...entries(['spark-scala', 'scala-spark'], (spec) => speaks(spec, 'scala') && hasSpark(spec)),
  ...entries(['sparkr', 'spark-r'], (spec) => speaks(spec, 'r') && hasSpark(spec)),
  ...OTHERS.split(',')
    .map((words) => words.split('='))
    .flatMap((words) => entries(words, (spec) => words.some((word) => speaks(spec, word)))),
]);

/**
 * The common word for a spelling of web pages and notebooks: `language-python`, `ipython3`, `python3.11`, `scala2.12`. A
 * version counts only with its dot, because `r2` may be a variable.
 */
export function plainLanguageWord(lower: string): string {
  const word = lower.replace(/^lang(?:uage)?-/, '').replace(/^ipython/, 'python');
  const [, name, major] = /^([a-z]{2,})(\d?)(?:\.\d{1,3}){1,3}$/.exec(word) ?? [];
  if (name === undefined) return word;
  return commonLanguages.has(`${name}${major}`) ? `${name}${major}` : name;
}

type Entry = [string, (spec: Kernelspec) => boolean];

function entries(words: readonly string[], fits: (spec: Kernelspec) => boolean): Entry[] {
  return words.map((word) => [word, fits]);
}

/** `C++17` counts as `c++`, and `R` as `r`. */
function speaks(spec: Kernelspec, language: string): boolean {
  return spec.language.toLowerCase() === language || plainLanguage(spec.language) === language;
}

/** Whether a kernelspec has Spark, by its names. */
export function hasSpark(spec: Kernelspec): boolean {
  return /spark|toree/i.test(`${spec.name} ${spec.displayName}`);
}

/** By the name, else by the display name: `python2-spark21`, `Python 2.7 with Spark 2.1`, `conda-py27`. */
function pythonVersion(spec: Kernelspec): 2 | 3 | undefined {
  const version = /(?<![a-z])i?py(?:thon|spark)?[\s_-]*([23])/i;
  const [, said] = version.exec(spec.name) ?? version.exec(spec.displayName) ?? [];
  if (said === undefined) return undefined;
  return said === '2' ? 2 : 3;
}
