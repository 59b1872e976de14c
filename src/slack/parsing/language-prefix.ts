/**
 * A first word is no language when what follows on its line goes on with it: an operator or a closing bracket, `% ` or
 * `%=`, or a word like `in`. So `r = 5` and `r <- 5` are code, `python2 %%sql …` and `python2 [1]` are not. To these
 * (product.md §2) come `!=`, `not in` and R's `%in%`, with which no code begins.
 */
const goesOn =
  /^(?:[=<>+\-*/&|^.,:;)\]]|!=|%[\s=]|%[^\s%]*%\s|(?:in|is|and|or|if|not\s+in)(?![\p{L}\p{N}_]))/u;

/** The first word, the blanks after it, and at most one line break, which ends what goes on with it. */
const firstWord = /^(\S+)(?:[ \t]*(\r?\n)|[ \t]+|$)/;

/**
 * Splits bare text into a language's word and the code. Nothing is trimmed but what stands between them; a word alone
 * on its line is a language whatever the next line begins with.
 */
export function splitLanguageWord(
  text: string,
  isLanguageWord: (word: string) => boolean,
): { language?: string; code: string } {
  const [separated, word, lineBreak] = firstWord.exec(text) ?? [];
  if (separated === undefined || word === undefined || !isLanguageWord(word)) return { code: text };
  const code = text.slice(separated.length);
  if (lineBreak === undefined && goesOn.test(code)) return { code: text };
  return { language: word, code };
}

/** A fence's first line names the language only when it is alone on that line and code follows. */
export function splitLanguageLine(
  code: string,
  isLanguageWord: (word: string) => boolean,
): { language?: string; code: string } {
  const [line, word] = /^[ \t]*(\S+)[ \t]*\r?\n/.exec(code) ?? [];
  if (line === undefined || word === undefined || !isLanguageWord(word)) return { code };
  const rest = code.slice(line.length);
  return rest.trim() === '' ? { code } : { language: word, code: rest };
}
