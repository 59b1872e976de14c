import { UserError } from '../../errors.ts';
import type { Kernelspec } from '../../gateway/gateway.ts';
import type { Dialect, Snippet } from '../run.ts';
import {
  commonLanguages,
  dialectOf,
  isSlip,
  isSqlWord,
  type LanguageContext,
  meaningOf,
  nearestWords,
  pick,
} from './meaning.ts';

export type { LanguageContext } from './meaning.ts';

/** What a word means: a kernelspec and, if the code is in another language that its kernel can run, that language. */
export interface ChosenLanguage extends Pick<Kernelspec, 'language' | 'displayName'> {
  kernelspec: string;
  dialect?: Dialect | undefined;
}

function chosen({ name, language, displayName }: Kernelspec, dialect?: Dialect): ChosenLanguage {
  return { kernelspec: name, language, displayName, dialect };
}

/** What the parser of messages has to know about languages. */
export interface LanguageWords {
  /** With or without a kernel for it. */
  isLanguage: (word: string) => boolean;
  /** Whether some kernel here runs this language. */
  isSpoken: (word: string) => boolean;
  /** Whether this is exactly the name of a kernelspec here. */
  isKernelspec: (word: string) => boolean;
  /** The language of such a snippet, in the kernelspec's word; undefined if no kernelspec fits. */
  languageOf: (snippet: Pick<Snippet, 'language' | 'syntax'>) => string | undefined;
  /** Whether this is no language but a typing mistake for one. */
  isMisspelt: (word: string) => boolean;
  /** Whether `other` can mean the same as `word`: a block tagged `py` may follow `python`. */
  agree: (word: string, other: string) => boolean;
}

export function languageWords(context: LanguageContext): LanguageWords {
  return {
    isLanguage: (word) => meaningOf(word, context) !== undefined,
    isSpoken: (word) => isSpoken(word, context),
    isKernelspec: (word) => context.kernelspecs.list.some(({ name }) => name === word),
    languageOf(snippet) {
      const found = findLanguage(snippet, context);
      return found?.dialect ?? found?.language;
    },
    isMisspelt: (word) =>
      meaningOf(word, context) === undefined &&
      knownWords(context).some((right) => isSlip(word, right) && isSpoken(right, context)),
    agree: (word, other) => {
      if (word.toLowerCase() === other.toLowerCase()) return true;
      if (dialectOf(word, context) !== dialectOf(other, context)) return false;
      const meant = pick(meaningOf(word, context) ?? [], context);
      return meant !== undefined && (meaningOf(other, context) ?? []).includes(meant);
    },
  };
}

/**
 * The kernelspec that a word means. Without a word it is the channel's, else DEFAULT_LANGUAGE, else the gateway's default.
 * Throws `UserError`: `unknownLanguage` with the nearest names, `ambiguousLanguage` with the list.
 */
export function resolveLanguage(word: string | undefined, context: LanguageContext): ChosenLanguage {
  const asked = word ?? context.channelDialect ?? context.channelLanguage ?? context.defaultLanguage;
  if (asked === undefined) return chosen(gatewayDefault(context));
  const fitting = meaningOf(asked, context) ?? [];
  const meant = pick(fitting, context);
  if (meant !== undefined) return chosen(meant, dialectOf(asked, context));
  if (fitting.length > 1) {
    const names = fitting.map(({ name }) => name).join(', ');
    throw new UserError(
      'ambiguousLanguage',
      `“${asked}” fits several kernels here: ${names}. Name one of them.`,
    );
  }
  throw new UserError('unknownLanguage', unknownSentence(asked, word !== undefined, context));
}

/** The language of a snippet: naming one chooses it for this run only. Throws as `resolveLanguage`. */
export function chooseLanguage(
  snippet: Pick<Snippet, 'language' | 'syntax' | 'dialect'>,
  context: LanguageContext,
): ChosenLanguage {
  const { language, syntax, dialect } = snippet;
  if (language !== undefined)
    return { ...resolveLanguage(language, context), ...(dialect === undefined ? {} : { dialect }) };
  if (syntax === undefined) return resolveLanguage(undefined, context);
  if (dialectOf(syntax, context) !== undefined) return resolveLanguage(syntax, context);
  const usual = usualOf(context)?.kernelspec;
  const fitting = meaningOf(syntax, context) ?? [];
  const meant = fitting.find(({ name }) => name === usual) ?? pick(fitting, context);
  return meant === undefined ? resolveLanguage(undefined, context) : chosen(meant);
}

/** The same, but undefined where that throws `UserError`: admission will refuse it with the reason. */
export function findLanguage(
  snippet: Pick<Snippet, 'language' | 'syntax' | 'dialect'>,
  context: LanguageContext,
): ChosenLanguage | undefined {
  try {
    return chooseLanguage(snippet, context);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

export interface Language {
  /** The name of the kernelspec, or `sql`. */
  kernelspec: string;
  displayName: string;
  /** Words that mean this kernelspec and no other. */
  aliases: readonly string[];
  /** Whether a snippet that names no language gets it. */
  isDefault: boolean;
}

/** Every kernelspec, in the gateway's order. */
export function listLanguages(context: LanguageContext): Language[] {
  const usual = usualOf(context);
  const words = [...new Set([...Object.keys(context.aliases), ...commonLanguages.keys()])]
    .filter((word) => dialectOf(word, context) === undefined)
    .map((word) => ({ word, means: pick(meaningOf(word, context) ?? [], context) }));
  return context.kernelspecs.list.map((spec) => ({
    kernelspec: spec.name,
    displayName: spec.displayName,
    aliases: words.filter(({ word, means }) => means === spec && word !== spec.name).map(({ word }) => word),
    isDefault: spec.name === usual?.kernelspec && usual.dialect === undefined,
  }));
}

/** The choices for code: every kernelspec, and SQL if one of them can run it. */
export function listChoices(context: LanguageContext): Language[] {
  const sql = sqlLanguage(context);
  const choices = listLanguages(context);
  if (sql !== undefined)
    choices.push({
      kernelspec: 'sql',
      displayName: 'Spark SQL',
      aliases: [],
      isDefault: sql.isDefault,
    });
  return choices;
}

/** The kernelspec that runs SQL in this channel; undefined if none can, or if SQL has a kernelspec of its own. */
export function sqlLanguage(
  context: LanguageContext,
): { kernelspec: string; isDefault: boolean } | undefined {
  const [spec] = dialectOf('sql', context) === undefined ? [] : (meaningOf('sql', context) ?? []);
  return spec === undefined
    ? undefined
    : { kernelspec: spec.name, isDefault: usualOf(context)?.dialect === 'sql' };
}

function gatewayDefault(context: LanguageContext): Kernelspec {
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
  return found;
}

function usualOf(context: LanguageContext): ChosenLanguage | undefined {
  return findLanguage({ language: undefined }, context);
}

function unknownSentence(asked: string, typed: boolean, context: LanguageContext): string {
  const target = context.aliases[asked.toLowerCase()];
  if (target !== undefined && Object.hasOwn(context.aliases, asked.toLowerCase()))
    return `“${asked}” stands for ${target}, which the gateway does not have. Languages here: ${offered(context)}.`;
  if (!typed)
    return `The language chosen here, “${asked}”, is not on the gateway. Languages here: ${offered(context)}.`;
  if (isSqlWord(asked))
    return `SQL runs in a Spark kernel of Python, Scala or R, and the gateway has none. Languages here: ${offered(context)}.`;
  const near = nearestWords(asked, usableWords(context));
  const advice =
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Languages here: ${offered(context)}.`;
  const shown = asked.length > 40 ? `${asked.slice(0, 40)}…` : asked;
  return commonLanguages.has(asked.toLowerCase())
    ? `There is no kernel for “${shown}” here; an admin can add one. ${advice}`
    : `Unknown language “${shown}”. ${advice}`;
}

function offered(context: LanguageContext): string {
  const names = context.kernelspecs.list.map(({ name }) => name);
  return names.length === 0 ? 'none' : names.join(', ');
}

/** The words that have a kernel here. */
function usableWords(context: LanguageContext): string[] {
  return [...new Set(knownWords(context))].filter((word) => isSpoken(word, context));
}

function knownWords({ kernelspecs, aliases }: LanguageContext): string[] {
  return [...kernelspecs.list.map(({ name }) => name), ...Object.keys(aliases), ...commonLanguages.keys()];
}

function isSpoken(word: string, context: LanguageContext): boolean {
  return (meaningOf(word, context) ?? []).length > 0;
}
