import type { Kernelspec, Kernelspecs } from '../../gateway/gateway.ts';
import type { Dialect } from '../admission/snippet.ts';
import { commonLanguages, plainLanguageWord } from './common-languages.ts';
import { isSqlWord, sqlKernelspec } from './sql.ts';

/** What a word can mean here and now. */
export interface LanguageContext {
  kernelspecs: Kernelspecs;
  /** LANGUAGES: alias in lower case → kernelspec. */
  aliases: Readonly<Record<string, string>>;
  /** Chosen for this channel with `use`, else that of its kernel. */
  channelLanguage?: string | undefined;
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
  const { channelLanguage: chosen, defaultLanguage: byDefault, kernelspecs } = context;
  const specOf = (said: string | undefined): Kernelspec | undefined =>
    said === undefined ? undefined : pick(kernelsOf(said, context) ?? [], context);
  const usual = specOf(byDefault) ?? specOf(kernelspecs.default);
  const spec = sqlKernelspec(kernelspecs.list, specOf(chosen), usual);
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
