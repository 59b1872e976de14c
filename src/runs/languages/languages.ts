import { distance } from 'fastest-levenshtein';
import { UserError } from '../../errors.ts';
import type { Kernelspec, Kernelspecs } from '../../gateway/gateway.ts';
import { commonLanguages, plainLanguageWord } from './common-languages.ts';
import type { Snippet } from '../admission/snippet.ts';

/** What a word can mean here and now. */
export interface LanguageContext {
  kernelspecs: Kernelspecs;
  /** LANGUAGES: alias in lower case → kernelspec. */
  aliases: Readonly<Record<string, string>>;
  /** Chosen for this channel with `use`, else that of its kernel. */
  channelLanguage?: string | undefined;
  /** DEFAULT_LANGUAGE. */
  defaultLanguage?: string | undefined;
}

/** What a reader of messages has to know of languages. */
export interface LanguageWords {
  isLanguage: (word: string) => boolean;
  /** A language that some kernel here speaks. */
  isSpoken: (word: string) => boolean;
  /** The very name of a kernelspec here. */
  isKernelspec: (word: string) => boolean;
  /** What the kernelspec of such a snippet speaks, as it says itself; undefined where there is none for it. */
  languageOf: (snippet: Pick<Snippet, 'language' | 'syntax'>) => string | undefined;
  /** No language, but one slip of the finger away from one. */
  isMisspelt: (word: string) => boolean;
  /** Whether `other` can stand for what `word` means: a block tagged `py` may follow `python`. */
  agree: (word: string, other: string) => boolean;
}

export function languageWords(context: LanguageContext): LanguageWords {
  return {
    isLanguage: (word) => isLanguageWord(word, context),
    isSpoken: (word) => (meaningOf(word, context) ?? []).length > 0,
    isKernelspec: (word) => context.kernelspecs.list.some(({ name }) => name === word),
    languageOf: (snippet) => languageOf(snippet, context),
    isMisspelt: (word) => isMisspelt(word, context),
    agree: (word, other) => {
      if (word.toLowerCase() === other.toLowerCase()) return true;
      const meant = pick(meaningOf(word, context) ?? [], context);
      return meant !== undefined && (meaningOf(other, context) ?? []).includes(meant);
    },
  };
}

function languageOf(
  snippet: Pick<Snippet, 'language' | 'syntax'>,
  context: LanguageContext,
): string | undefined {
  try {
    const kernelspec = chooseKernelspec(snippet, context);
    return context.kernelspecs.list.find(({ name }) => name === kernelspec)?.language;
  } catch (error) {
    // Refused with the reason when it is admitted.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** Whether a word names a language, be there a kernel for it or not. */
export function isLanguageWord(word: string, context: LanguageContext): boolean {
  return meaningOf(word, context) !== undefined;
}

/**
 * The kernelspec that a word means; without a word the channel's, else the configured, else the gateway's default.
 * Throws `UserError`: `unknownLanguage` with the nearest names, `ambiguousLanguage` with the list.
 */
export function resolveLanguage(word: string | undefined, context: LanguageContext): { kernelspec: string } {
  const asked = word ?? context.channelLanguage ?? context.defaultLanguage;
  if (asked === undefined) return { kernelspec: gatewayDefault(context) };
  const fitting = meaningOf(asked, context) ?? [];
  const meant = pick(fitting, context);
  if (meant !== undefined) return { kernelspec: meant.name };
  if (fitting.length > 1) {
    const names = fitting.map(({ name }) => name).join(', ');
    throw new UserError(
      'ambiguousLanguage',
      `“${asked}” fits several kernels here: ${names}. Name one of them.`,
    );
  }
  throw new UserError('unknownLanguage', unknownSentence(asked, word !== undefined, context));
}

/** The kernelspec for a snippet: naming a language chooses it for this run only. Throws as `resolveLanguage`. */
export function chooseKernelspec(
  snippet: Pick<Snippet, 'language' | 'syntax'>,
  context: LanguageContext,
): string {
  if (snippet.language !== undefined) return resolveLanguage(snippet.language, context).kernelspec;
  const usual = usualOf(context);
  const fitting = snippet.syntax === undefined ? [] : (meaningOf(snippet.syntax, context) ?? []);
  const spoken = fitting.some(({ name }) => name === usual);
  const meant = spoken ? undefined : pick(fitting, context);
  return meant?.name ?? resolveLanguage(undefined, context).kernelspec;
}

export interface Language {
  kernelspec: string;
  displayName: string;
  language: string;
  /** Words that mean this kernelspec and no other. */
  aliases: readonly string[];
  /** What a snippet gets here that names no language. */
  isDefault: boolean;
}

/** Every kernelspec, in the gateway's order. */
export function listLanguages(context: LanguageContext): Language[] {
  const usual = usualOf(context);
  const words = [...new Set([...Object.keys(context.aliases), ...commonLanguages.keys()])];
  return context.kernelspecs.list.map((spec) => ({
    kernelspec: spec.name,
    displayName: spec.displayName,
    language: spec.language,
    aliases: words.filter(
      (word) => word !== spec.name && pick(meaningOf(word, context) ?? [], context) === spec,
    ),
    isDefault: spec.name === usual,
  }));
}

/** The kernelspecs a word fits, none for a language that has no kernel here; undefined for what is no language. */
function meaningOf(word: string, context: LanguageContext): readonly Kernelspec[] | undefined {
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

function pick(fitting: readonly Kernelspec[], context: LanguageContext): Kernelspec | undefined {
  return fitting.length === 1 ? fitting[0] : fitting.find(({ name }) => name === context.kernelspecs.default);
}

function gatewayDefault(context: LanguageContext): string {
  const { list, default: byDefault } = context.kernelspecs;
  const only = list.length === 1 ? list[0] : undefined;
  const found = list.find(({ name }) => name === byDefault) ?? only;
  if (found === undefined)
    throw new UserError(
      'unknownLanguage',
      list.length === 0
        ? 'The gateway offers no languages.'
        : `The gateway has no default language. Name one of: ${offered(context)}.`,
    );
  return found.name;
}

function usualOf(context: LanguageContext): string | undefined {
  try {
    return resolveLanguage(undefined, context).kernelspec;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

function unknownSentence(asked: string, typed: boolean, context: LanguageContext): string {
  const target = context.aliases[asked.toLowerCase()];
  if (target !== undefined && Object.hasOwn(context.aliases, asked.toLowerCase()))
    return `“${asked}” stands for ${target}, which the gateway does not have. Languages here: ${offered(context)}.`;
  if (!typed)
    return `The language chosen here, “${asked}”, is not on the gateway. Languages here: ${offered(context)}.`;
  const near = nearest(asked, context);
  const advice = near.length > 0 ? `Nearest: ${near.join(', ')}.` : `Languages here: ${offered(context)}.`;
  const shown = asked.length > 40 ? `${asked.slice(0, 40)}…` : asked;
  return commonLanguages.has(asked.toLowerCase())
    ? `There is no kernel for “${shown}” here; an admin can add one. ${advice}`
    : `“${shown}” is no language here. ${advice}`;
}

function offered(context: LanguageContext): string {
  const names = context.kernelspecs.list.map(({ name }) => name);
  return names.length === 0 ? 'none' : names.join(', ');
}

/** Words that would work here. */
function usableWords(context: LanguageContext): string[] {
  const words = [
    ...context.kernelspecs.list.map(({ name }) => name),
    ...Object.keys(context.aliases),
    ...commonLanguages.keys(),
  ];
  return [...new Set(words)].filter((word) => (meaningOf(word, context) ?? []).length > 0);
}

/** Up to three, the nearest first; none when all are far. */
function nearest(word: string, context: LanguageContext): string[] {
  const lower = word.toLowerCase();
  return usableWords(context)
    .map((usable) => ({ usable, off: distance(lower, usable.toLowerCase()) }))
    .filter(({ usable, off }) => off <= Math.max(1, Math.min(3, usable.length / 2)))
    .toSorted((a, b) => a.off - b.off)
    .slice(0, 3)
    .map(({ usable }) => usable);
}

/** Words of honest code that are one letter away from a language. */
const honestWords = new Set(['spark', 'scale', 'scales', 'scalar']);

function isMisspelt(word: string, context: LanguageContext): boolean {
  const lower = word.toLowerCase();
  if (lower.length < 5 || honestWords.has(lower) || isLanguageWord(word, context)) return false;
  return usableWords(context).some((usable) => {
    const right = usable.toLowerCase();
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
