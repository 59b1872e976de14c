import { type LanguageContext, type LanguageWords, languageWords } from '../../runs/languages/languages.ts';
import type { Snippet } from '../../runs/admission/snippet.ts';
import type { Message } from './message/message-parts.ts';
import { type Command, readCommand } from './command.ts';
import { readCommandText, readSnippet } from './snippet.ts';

/** What an addressed message asks for. `nothing`: the bot was called and nothing was said. */
export type Request =
  | { kind: 'command'; command: Command }
  | { kind: 'snippet'; snippet: Snippet }
  | { kind: 'nothing' };

/** A command when the whole of the bare text is one, else code. Throws `UserError` (`mixedLanguages`). */
export function readRequest(message: Message, words: LanguageWords): Request {
  const text = readCommandText(message);
  const command = text === undefined ? undefined : readCommand(text);
  if (command !== undefined) return { kind: 'command', command };
  const snippet = readSnippet(message, words);
  return snippet === undefined ? { kind: 'nothing' } : { kind: 'snippet', snippet };
}

/** The words of a gateway that has not told its languages: commands can still be read. */
export const noWords: LanguageWords = {
  isLanguage: () => false,
  isSpoken: () => false,
  isMisspelt: () => false,
  agree: (word, other) => word === other,
};

/**
 * Reads a request with the channel's languages. Where the gateway does not tell them, commands still work; what turns
 * out to be code is refused with the gateway's error.
 */
export async function readWithLanguages(
  languages: Promise<LanguageContext>,
  read: (words: LanguageWords) => Request,
): Promise<Request> {
  let unknown: unknown;
  const words = await languages.then(languageWords, (error: unknown) => {
    unknown = error;
    return noWords;
  });
  const request = read(words);
  if (request.kind === 'snippet' && unknown !== undefined) throw unknown;
  return request;
}
