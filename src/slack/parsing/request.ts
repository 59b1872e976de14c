import { distance } from 'fastest-levenshtein';
import { UserError } from '../../errors.ts';
import { type LanguageContext, type LanguageWords, languageWords } from '../../runs/languages/languages.ts';
import { sortLetters } from '../../runs/languages/meaning.ts';
import type { SavedUse, Snippet } from '../../runs/run.ts';
import { toLineFeeds } from '../../text.ts';
import { type Command, COMMAND_WORDS, readBangCommand, readCommand } from './command.ts';
import { readEscaped, splitFences, trimFence } from './mrkdwn.ts';
import { readCommandText, readSnippet } from './snippet.ts';
import { append, type Message, type Part } from './typed-text.ts';

/** What an addressed message asks for. `nothing`: it only mentions the bot. */
export type Request =
  | { kind: 'command'; command: Command }
  /** `saved`: it was run by its name. */
  | { kind: 'snippet'; snippet: Snippet; saved?: SavedUse }
  | { kind: 'nothing' };

/** A command if the whole bare text is one, or nearly one; else code. Throws `UserError` (`mixedLanguages`). */
export function readRequest(message: Message, words: LanguageWords): Request {
  const text = readCommandText(message);
  const command = text === undefined ? undefined : readCommand(text);
  if (command !== undefined) return { kind: 'command', command };
  const near = text === undefined || words.isLanguage(text) ? undefined : readNearCommand(text);
  if (near !== undefined) return { kind: 'command', command: near };
  const snippet = readSnippet(message, words);
  return snippet === undefined ? { kind: 'nothing' } : { kind: 'snippet', snippet };
}

/** For a gateway that has not listed its languages: commands can still be read. */
const NO_LANGUAGES: LanguageContext = { kernelspecs: { default: '', list: [] }, aliases: {} };

/**
 * Reads a request with the channel's languages. If the gateway does not list them, commands still work, and code is
 * refused with the gateway's error.
 */
export async function readWithLanguages(
  languages: Promise<LanguageContext>,
  read: (words: LanguageWords) => Request,
): Promise<Request> {
  let unknown: unknown;
  const known = await languages.catch((error: unknown) => {
    unknown = error;
    return NO_LANGUAGES;
  });
  const request = read(languageWords(known));
  if (request.kind === 'snippet' && unknown !== undefined) throw unknown;
  return request;
}

/**
 * Reads the text of a slash command; Slack may leave an empty one out. It comes as typed, except for the entities.
 * Links and mentions are escaped only if the app is set so, and then have a label: a bare `<http://…>` or `<!here>` was
 * typed so. The blanks or the line break after the command are not part of it. A fence counts only if the text after
 * the language begins with one; else the whole text is code. Inline code counts only if it is the whole text, after an
 * optional language: within other code a backtick belongs to the language (R, Scala, a shell). Throws `UserError`
 * (`badCommand`) if text after a fence would be lost.
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
    .split(/(<(?:[a-z][a-z\d+.-]*:[^<>|\s]*|[@#!][\w^]+)>)/i)
    .map((piece, index) => (index % 2 === 1 ? piece : readEscaped(piece)))
    .join('');
}

/** What people type when they look for help. */
const CALLS_FOR_HELP = /^(?:-h|--?help|\/help|\?|man)$/i;

const SPACED_NAME = /^(?:save|forget)(?:[ \t]+[\p{L}\p{N}][\p{L}\p{N}._-]*){2,5}$/iu;

/**
 * A text of one word, or of a command's form, that is nearly a command (`restrat`, `-h`, `help use`, `kernel`). The bot
 * asks whether it was meant as one, because it would run as code and fail in public. `meant` is the command. Undefined
 * for all other text, such as `help(sc)` and `stop = 1`.
 */
export function readNearCommand(text: string): (Command & { kind: 'near' }) | undefined {
  const typed = text.trim();
  const [word = '', argument, ...more] = typed.split(/[ \t]+/);
  // A name of several words is no code in any kernel's language.
  if (SPACED_NAME.test(typed))
    return { kind: 'near', typed, meant: `${word.toLowerCase()} ${[argument, ...more].join('-')}` };
  if (word === '' || more.length > 0 || typed.includes('\n')) return undefined;
  const near = (meant: string) => ({ kind: 'near', typed, meant }) as const;
  if (argument === undefined) {
    if (CALLS_FOR_HELP.test(word)) return near('help');
    // People write `restart!` as to somebody.
    const letters = word.replace(/[.!]{1,9}$/, '').toLowerCase();
    // Outside the bot's threads `!word` would be a shell command.
    const bang = readBangCommand(word);
    if (bang !== undefined && bang.kind !== 'malformed') return near(bang.kind);
    const meant =
      COMMAND_WORDS.includes(letters) && letters.length < word.length ? letters : nearest(letters);
    return meant === undefined ? undefined : near(meant);
  }
  const lower = word.toLowerCase();
  // The button says “Shut down”.
  const joined = `${lower}${argument.toLowerCase()}`;
  if (COMMAND_WORDS.includes(joined)) return near(joined);
  // Two words are no code in any kernel's language, unless one of them is a keyword.
  if (COMMAND_WORDS.includes(lower))
    return NO_OPERAND.test(argument) && !KEYWORDS.has(argument) ? near(lower) : undefined;
  const meant = nearest(word);
  const command = meant === undefined ? undefined : readCommand(`${meant} ${argument}`);
  return command === undefined || command.kind === 'malformed' ? undefined : near(`${meant} ${argument}`);
}

/** With a call, an index, a string or an assignment it may be code. */
const NO_OPERAND = /^(?:[\p{L}\p{N}][^()[\]{}=;"'`]*|#\S+|`[^`]+`)$/u;
const KEYWORDS = new Set(['if', 'in', 'is', 'and', 'or', 'not', 'for', 'as', 'else', 'to', 'until', 'match']);

/**
 * The command that a word was meant to be: it has the same letters in another order, is at least the first four of
 * them, or has one typo (two in a long word). Short commands are too close to names of variables, such as `step`, for a
 * typo to be certain.
 */
function nearest(word: string): string | undefined {
  const lower = word.toLowerCase();
  if (!/^[a-z]+$/.test(lower) || COMMAND_WORDS.includes(lower)) return undefined;
  return COMMAND_WORDS.find((command) => {
    if (sortLetters(command) === sortLetters(lower)) return command.length > 3;
    if (lower.length >= 4 && command.startsWith(lower)) return true;
    return command.length > 4 && distance(command, lower) <= (command.length > 7 ? 2 : 1);
  });
}
