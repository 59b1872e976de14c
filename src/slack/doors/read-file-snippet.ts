import type { LanguageWords } from '../../runs/languages.ts';
import type { Snippet } from '../../runs/snippet.ts';
import { hasCodeFormatting, type Message } from './message.ts';
import type { PostedFile } from './posted-message.ts';
import { agreed, readCommandText } from './read-snippet.ts';

/** The files whose code a message asks to run: where the message itself holds code, that is what is meant. */
export function filesToRun(message: Message, files: readonly PostedFile[]): readonly PostedFile[] {
  return hasCodeFormatting(message) ? [] : files;
}

/**
 * The snippet of a message with files: each file a block, in their order. The text beside them names the language when
 * it is one word that is one or nearly one; any other text is talk. Throws `UserError` (`mixedLanguages`).
 */
export function readFileSnippet(
  message: Message,
  files: readonly { syntax: string | undefined; code: string }[],
  words: LanguageWords,
): Snippet {
  const blocks = files.map(({ code }) => code);
  const word = readCommandText(message) ?? '';
  if (words.isLanguage(word) || words.isMisspelt(word)) return { language: word, blocks };
  const syntaxes = files.map(({ syntax }) => syntax).filter((said) => said !== undefined);
  const syntax = agreed(syntaxes.filter(words.isLanguage), words);
  return { language: undefined, ...(syntax === undefined ? {} : { syntax }), blocks };
}
