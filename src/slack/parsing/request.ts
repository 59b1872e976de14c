import { type LanguageContext, type LanguageWords, languageWords } from '../../runs/languages/languages.ts';
import { UserError } from '../../errors.ts';
import type { SavedUse } from '../../runs/run.ts';
import type { Snippet } from '../../runs/admission/snippet.ts';
import { type Message, type Part, append } from './message-parts.ts';
import { type Command, readCommand } from './command.ts';
import { readNearCommand } from './near-command.ts';
import { readCommandText, readSnippet } from './snippet.ts';
import { readEscaped, splitFences, trimFence } from './mrkdwn.ts';
import { toLineFeeds } from './smart-punctuation.ts';

/** What an addressed message asks for. `nothing`: the bot was called and nothing was said. */
export type Request =
  | { kind: 'command'; command: Command }
  /** `saved`: it was called by a name. */
  | { kind: 'snippet'; snippet: Snippet; saved?: SavedUse }
  | { kind: 'nothing' };

/** A command when the whole of the bare text is one, or nearly one; else code. Throws `UserError` (`mixedLanguages`). */
export function readRequest(message: Message, words: LanguageWords): Request {
  const text = readCommandText(message);
  const command = text === undefined ? undefined : readCommand(text);
  if (command !== undefined) return { kind: 'command', command };
  const near = text === undefined || words.isLanguage(text) ? undefined : readNearCommand(text);
  if (near !== undefined) return { kind: 'command', command: near };
  const snippet = readSnippet(message, words);
  return snippet === undefined ? { kind: 'nothing' } : { kind: 'snippet', snippet };
}

/** The words of a gateway that has not told its languages: commands can still be read. */
export const noWords: LanguageWords = {
  isLanguage: () => false,
  isSpoken: () => false,
  isKernelspec: () => false,
  languageOf: () => undefined,
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

/**
 * Reads the text after a slash command; a form may leave an empty one out. It comes as typed, backticks and all, but for
 * the entities; links only where the app is set to escape them, and then with a label: a bare `<http://…>` was typed so.
 * The blanks or the line break that set it apart from the command are not part of it.
 * A fence counts only where the text after the language begins with one, else all of it is code. Inline code counts only
 * when it is all there is, a language's word allowed before it: between other code a backtick is the language's own (R,
 * Scala, a shell). Throws `UserError` (`badCommand`) where text behind a fence would be lost.
 */
export function readSlash(text: string | undefined, words: Pick<LanguageWords, 'isLanguage'>): Message {
  const typed = toLineFeeds(text ?? '').replace(/^[ \t]*\n|^[ \t]+/, '');
  if (!/^(?:\p{L}[\p{L}\p{N}.+#_-]*:?\s*)?`{3}/u.test(typed))
    return { parts: readOnlyInline(readSlashEscapes(typed), words) };
  const parts: Part[] = [];
  for (const piece of splitFences(typed)) {
    const read = readSlashEscapes(piece.text);
    if (piece.kind === 'fence') append(parts, { kind: 'fence', code: trimFence(read) });
    else if (parts.length === 0) append(parts, { kind: 'bare', text: read });
    else if (read.trim() !== '')
      throw new UserError(
        'badCommand',
        'There is text after the code block, and only the block would run. Nothing ran; send the code alone.',
      );
  }
  return { parts };
}

function readOnlyInline(text: string, words: Pick<LanguageWords, 'isLanguage'>): Part[] {
  const [, before = '', word, code] = /^((\S+)[ \t]+)?`([^`]+)`\s*$/.exec(text) ?? [];
  if (code === undefined || (word !== undefined && !words.isLanguage(word))) return [{ kind: 'bare', text }];
  const parts: Part[] = [];
  append(parts, { kind: 'bare', text: before });
  append(parts, { kind: 'inline', code });
  return parts;
}

function readSlashEscapes(text: string): string {
  return text
    .split(/(<[a-z][a-z\d+.-]*:[^<>|\s]*>)/i)
    .map((piece, index) => (index % 2 === 1 ? piece : readEscaped(piece)))
    .join('');
}
