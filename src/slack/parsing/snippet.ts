import { UserError } from '../../errors.ts';
import type { LanguageWords } from '../../runs/languages/languages.ts';
import { isSqlWord } from '../../runs/languages/meaning.ts';
import type { Snippet } from '../../runs/run.ts';
import { undoPhoneTyping, type Message, type Part, hasCodeFormatting } from './typed-text.ts';

type Fence = Extract<Part, { kind: 'fence' }>;

/**
 * What an addressed message (slash text, mention, direct message, shortcut) asks to run: its fences, else its inline
 * code, else its bare text after the mention. Undefined if it is empty. Throws `UserError` (`mixedLanguages`).
 */
export function readSnippet(message: Message, words: LanguageWords): Snippet | undefined {
  const fences = message.parts.filter((part) => part.kind === 'fence');
  if (fences.length > 0) return readFences(fences, slotBefore(message, 'fence', words), words);
  const inlines = message.parts.filter((part) => part.kind === 'inline');
  if (inlines.length > 0)
    return { language: slotBefore(message, 'inline', words), blocks: inlines.map(({ code }) => code) };
  const text = addressedText(message);
  if (text.trim() === '') return undefined;
  const { language, code } = splitLanguageWord(
    text,
    (word) => words.isLanguage(word) || words.isMisspelt(word),
  );
  return { language, blocks: [code] };
}

/**
 * The snippet of a message that is nothing but one fence, after an optional language: such a message runs without a
 * mention in a thread of the bot and in a channel on `auto`. Undefined for every other message.
 */
export function readLoneFence(message: Message, words: LanguageWords): Snippet | undefined {
  const said = message.parts.filter((part) => part.kind !== 'bare' || part.text.trim() !== '');
  const [first, second, ...more] = said;
  if (first === undefined || more.length > 0) return undefined;
  if (first.kind === 'fence') return second === undefined ? readFences([first], undefined, words) : undefined;
  if (first.kind !== 'bare' || second?.kind !== 'fence') return undefined;
  const word = undoPhoneTyping(first.text).trim().replace(/:$/, '');
  return words.isLanguage(word) ? readFences([second], word, words) : undefined;
}

/** The text that may be a command: that of an addressed message without code formatting. */
export function readCommandText(message: Message): string | undefined {
  return hasCodeFormatting(message) ? undefined : addressedText(message).trim();
}

/**
 * The line that a reply gives to code that asks for one; undefined if the reply mentions the bot or has a code block.
 */
export function readReply({ parts }: Message): string | undefined {
  if (parts.some(({ kind }) => kind === 'fence' || kind === 'mention')) return undefined;
  const said = parts.map((part) =>
    part.kind === 'inline' ? part.code : part.kind === 'bare' ? undoPhoneTyping(part.text) : '',
  );
  const line = said.join('').trim();
  return line === '' ? undefined : line;
}

function readFences(fences: readonly Fence[], before: string | undefined, words: LanguageWords): Snippet {
  const read = fences.map(({ code }) => splitLanguageLine(code, words.isLanguage));
  const inside = read.map((fence) => fence.language).filter((word) => word !== undefined);
  // Above a fence that names its language, `Example` is a word like any other.
  const isTalk =
    before === undefined || (inside.length > 0 && !words.isLanguage(before) && !words.isMisspelt(before));
  const language = agreed(isTalk ? inside : [before, ...inside], words);
  const blocks = read.map(({ code }) => code);
  if (language !== undefined) return { language, blocks };
  const syntaxes = fences.map(({ syntax }) => syntax).filter((word) => word !== undefined);
  const syntax = agreed(syntaxes.filter(words.isLanguage), words);
  return { language, ...(syntax === undefined ? {} : { syntax }), blocks };
}

/** The first of the words, if the others mean the same language. */
export function agreed(named: readonly string[], words: LanguageWords): string | undefined {
  const [first, ...others] = named;
  const stranger = others.find((other) => first !== undefined && !words.agree(first, other));
  if (first !== undefined && stranger !== undefined)
    throw new UserError(
      'mixedLanguages',
      `These blocks are in several languages (${first}, ${stranger}). Send one message for each.`,
    );
  return first;
}

/**
 * The word in the place of the language: alone on the line before the first code block or inline code. An unknown word
 * counts, too, if it is all that stands before a fence: it is refused rather than run in another language.
 */
function slotBefore(message: Message, kind: 'fence' | 'inline', words: LanguageWords): string | undefined {
  const before = message.parts.slice(
    0,
    message.parts.findIndex((part) => part.kind === kind),
  );
  const since = before.slice(before.findLastIndex((part) => part.kind === 'mention') + 1);
  const lines = undoPhoneTyping(typedText(since)).trim().split('\n');
  const said = lines.at(-1)?.trim().replace(/:$/, '') ?? '';
  const word = withoutRun(said);
  // Formatting is pasted along.
  const named = word.replace(/^([*_~`])(.+)\1$/, '$2');
  if (words.isLanguage(named)) return named;
  const behind = languageBehind(message, words);
  if (behind !== undefined) return behind;
  if (lines.length > 1 || word !== said || !/^\p{L}[\p{L}\p{N}.+#_-]*$/u.test(word)) return undefined;
  return kind === 'fence' || words.isMisspelt(word) ? word : undefined;
}

/** Before a code block and beside a file people say `run`, alone or before the language. */
export function withoutRun(text: string): string {
  return text.replace(/^run(?:\s+|$)/i, '');
}

/** A language alone behind the code, with or without the mention. */
function languageBehind({ parts }: Message, words: LanguageWords): string | undefined {
  const at = parts.findLastIndex(({ kind }) => kind === 'fence' || kind === 'inline');
  const behind = parts.slice(at + 1).filter(({ kind }) => kind === 'bare');
  const word = undoPhoneTyping(typedText(behind)).trim();
  return words.isLanguage(word) ? word : undefined;
}

/** The text for the bot: what follows its mention, or what precedes it if nothing follows. */
function addressedText(message: Message): string {
  const { parts } = message;
  const at = parts.findIndex(({ kind }) => kind === 'mention');
  if (at === -1) return undoPhoneTyping(typedText(parts));
  const after = undoPhoneTyping(typedText(parts.slice(endOfCall(parts, at))));
  if (after.trim() === '') return undoPhoneTyping(typedText(parts.slice(0, at))).trimEnd();
  return after.replace(/^[:,](?=\s)/, '').replace(/^[ \t]*\r?\n|^[ \t]+/, '');
}

/** Where the text after the mention at `at` begins; several mentions in a row count as one. */
function endOfCall(parts: readonly Part[], at: number): number {
  const rest = parts.slice(at + 1);
  const row = rest.findIndex(
    (part) => part.kind !== 'mention' && (part.kind !== 'bare' || part.text.trim() !== ''),
  );
  const called = rest.slice(0, row === -1 ? rest.length : row);
  return at + 1 + called.findLastIndex(({ kind }) => kind === 'mention') + 1;
}

function typedText(parts: readonly Part[]): string {
  return parts
    .map((part) => (part.kind === 'bare' || part.kind === 'mention' ? part.text : `\`${part.code}\``))
    .join('');
}

/**
 * A first word is not a language if its line goes on as code does after a name: with an operator or a closing bracket,
 * `% ` or `%=`, a word like `in`, or an `if` with its `else`. So `r = 5` and `r <- 5` are code, `python2 %%sql …` and
 * `python2 [1]` are not. `!=`, `not in` and R's `%in%` count, too: no code begins with them.
 */
const GOES_ON =
  /^(?:[=<>+\-*/&|^.,:;)\]]|!=|%[\s=]|%[^\s%]*%\s|(?:in|is|and|or|not\s+in)(?![\p{L}\p{N}_])|if(?![\p{L}\p{N}_]).*(?<![\p{L}\p{N}_])else(?![\p{L}\p{N}_]))/u;

/** The first word, the blanks after it, and at most one line break. */
const FIRST_WORD = /^(\S+)(?:[ \t]*(\r?\n)|[ \t]+|$)/;

/**
 * Splits bare text into the language and the code. Only what separates them is removed. A word alone on its line is a
 * language whatever the next line begins with.
 */
export function splitLanguageWord(
  text: string,
  isLanguageWord: (word: string) => boolean,
): { language?: string; code: string } {
  const [separated, word, lineBreak] = FIRST_WORD.exec(text) ?? [];
  if (separated === undefined || word === undefined || !isLanguageWord(word)) return { code: text };
  const code = text.slice(separated.length);
  // In SQL a minus or a slash may begin a comment.
  const isComment = isSqlWord(word) && /^(?:--|\/\*)/.test(code);
  if (lineBreak === undefined && GOES_ON.test(code) && !isComment) return { code: text };
  return { language: word, code };
}

/** A word, alone or with attributes: `python title="a.py"`. With a bare `x=5` it would be code. */
const INFO_STRING = /^[ \t]*(\S+?)(?:[ \t]+(?:[\w.-]+=(?:"[^"]*"|'[^']*')|\{[\d, -]*\}))*[ \t]*\r?\n/;

/** R Markdown, Quarto and Pandoc: `{r}`, `{r label, echo=FALSE}`, `{.python}`. `{r, s}` and `{r for r in x}` are code. */
const NOTEBOOK_INFO =
  /^[ \t]*\{[ \t]*\.?([\p{L}\p{N}+#_-]+)(?:[ \t]+\w[\w-]*(?=[ \t,}]))?(?:[ \t,]+(?:[.#][\w-]+|[\w.-]+[ \t]*=(?!=)[ \t]*(?:"[^"]*"|'[^']*'|\w+\([^)]*\)|[^\s,{}"']+)))*[ \t]*\}[ \t]*\r?\n/u;

/** Such lines are shorter. */
const INFO_CHARS = 500;

/** The first line of a fence names the language if it says nothing else, or has a notebook's form, and code follows. */
export function splitLanguageLine(
  code: string,
  isLanguageWord: (word: string) => boolean,
): { language?: string; code: string } {
  const [line, word] = INFO_STRING.exec(code) ?? [];
  const [notebookLine, notebookWord] = NOTEBOOK_INFO.exec(code.slice(0, INFO_CHARS)) ?? [];
  const found =
    word !== undefined && isLanguageWord(word) ? { line, word } : { line: notebookLine, word: notebookWord };
  if (found.line === undefined || found.word === undefined || !isLanguageWord(found.word)) return { code };
  const rest = code.slice(found.line.length);
  return rest.trim() === '' ? { code } : { language: found.word, code: rest };
}

/** How much of a text is looked at. */
const READ_CHARS = 3_000;

/**
 * Whether bare text that nobody sent to the bot looks like code: it calls, assigns, indexes, imports, or begins like a
 * magic or a query.
 */
export function readsAsCode(whole: string): boolean {
  const text = whole.slice(0, READ_CHARS);
  return (
    /[\w\])][([]\S|[=<>]=|\S\s*=\s*\S|[;{}]|<-|->|^\s*[%!@#]/m.test(text) ||
    /^\s*(?:import|from|print|def|class|val|var|library|select|with|show|describe)\s+\S/im.test(text) ||
    /^[\s\d.+*/()-]+$/.test(text)
  );
}
