import type { LanguageWords } from '../../runs/languages/languages.ts';
import type { Snippet } from '../../runs/admission/snippet.ts';
import type { Message } from './message/message-parts.ts';
import type { FileCode } from '../api/files.ts';
import type { PostedFile } from './message/message-files.ts';
import { agreed, readCommandText } from './snippet.ts';

/**
 * The files whose code a message asks to run: where the message itself holds code, that is what is meant. A file that
 * is gone counts only where nothing is said beside it: beside words it may have been a picture.
 */
export function filesToRun(message: Message, files: readonly PostedFile[]): readonly PostedFile[] {
  const said = readCommandText(message);
  if (said === undefined) return [];
  return said === '' ? files : files.filter(({ kind }) => kind !== 'gone');
}

/**
 * The snippet of a message with files: each file a block, in their order. The text beside them names the language when
 * it is one word that is one or nearly one; any other text is talk. Throws `UserError` (`mixedLanguages`).
 */
export function readFileSnippet(message: Message, files: readonly FileCode[], words: LanguageWords): Snippet {
  const blocks = files.map(({ code }) => code);
  const word = readCommandText(message) ?? '';
  if (words.isLanguage(word) || words.isMisspelt(word)) return { language: word, blocks };
  const syntaxes = files.map(({ syntax }) => syntax).filter((said) => said !== undefined);
  const syntax = agreed(syntaxes.filter(words.isLanguage), words);
  // Refused by that name: a .scala file is not run as Python because no kernel here speaks Scala.
  if (syntax !== undefined && !words.isSpoken(syntax)) return { language: syntax, blocks };
  return { language: undefined, ...(syntax === undefined ? {} : { syntax }), blocks };
}
