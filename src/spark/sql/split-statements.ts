/** One statement of a SQL text and the line and column, from 1, where it begins. */
export interface Statement {
  text: string;
  line: number;
  column: number;
}

/**
 * Further statements are not split off: the rest counts as one, which Spark refuses. This bounds how long one text
 * holds the event loop.
 */
const MAX_STATEMENTS = 30_000;

/**
 * The tokens of Spark's lexer that may contain a `;`: comment, raw string, string, quoted name, dollar string; and
 * word, blanks. An unclosed token extends to the end, so that no text is read twice.
 */
function tokenPattern(): RegExp {
  return /--(?:\\\n|[^\n])*|\/\*|[rR](?:'[^']*(?:'|$)|"[^"]*(?:"|$))|'(?:[^'\\]+|\\[^]?)*(?:'|$)|"(?:[^"\\]+|\\[^]?)*(?:"|$)|`[^`]*(?:`|$)|\$([A-Za-z_]\w*|)\$[^]*?(?:\$\1\$|$)|\w+|\s+|[^]/g;
}

/**
 * The statements of a SQL text in order, without leading comments. A script (`BEGIN … END`, Spark 4) is one statement.
 * A text without any is returned whole, so that Spark reports what is wrong with it. tables.py splits in the same way.
 */
export function splitStatements(sql: string): Statement[] {
  const found: Statement[] = [];
  const placeOf = placesIn(sql);
  let begin: number | undefined;
  let blocks = new Blocks();
  for (const [token, at] of readSqlTokens(sql)) {
    if (token !== ';' || blocks.depth > 0) {
      begin ??= at;
      blocks.take(token);
      continue;
    }
    if (begin !== undefined && found.length === MAX_STATEMENTS - 1) break;
    if (begin !== undefined) found.push({ text: sql.slice(begin, at).trimEnd(), ...placeOf(begin) });
    begin = undefined;
    blocks = new Blocks();
  }
  if (begin !== undefined) found.push({ text: sql.slice(begin).trimEnd(), ...placeOf(begin) });
  return found.length > 0 ? found : [{ text: sql, line: 1, column: 1 }];
}

/**
 * All tokens except comments and blanks, with their index. An unclosed comment is included, so that Spark reports it.
 */
export function* readSqlTokens(sql: string): Generator<[token: string, at: number]> {
  const tokens = tokenPattern();
  for (let match = tokens.exec(sql); match !== null; match = tokens.exec(sql)) {
    const [token] = match;
    const end = token === '/*' ? endOfComment(sql, tokens.lastIndex) : undefined;
    if (end !== undefined) tokens.lastIndex = end;
    else if (!token.startsWith('--') && token.trim() !== '') yield [token, match.index];
    if (token === '/*' && end === undefined) return;
  }
}

/** The index after the comment whose text begins at `from` (comments nest); undefined if it is not closed. */
function endOfComment(sql: string, from: number): number | undefined {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  for (let depth = 1; depth > 0;) {
    const mark = marks.exec(sql)?.[0];
    if (mark === undefined) return undefined;
    depth += mark === '/*' ? 1 : -1;
  }
  return marks.lastIndex;
}

/** What a block of a script comes after, except in the declaration of a handler. */
const BEFORE_BEGIN = new Set([';', ':', 'BEGIN', 'THEN', 'ELSE', 'DO', 'LOOP', 'REPEAT']);

/**
 * How deeply a statement is nested in blocks of a script, which begins with BEGIN, possibly after a label. Columns may be
 * called BEGIN and END.
 */
class Blocks {
  depth = 0;
  readonly #first: string[] = [];
  #previous = '';
  #isAfterEnd = false;
  /** Within one statement: CASE without its END. */
  #cases = 0;
  #isHandler = false;

  take(token: string): void {
    const isName = this.#previous === '.' || this.#previous === 'AS';
    const word = isName || token.length > 10 ? '' : token.toUpperCase();
    if (this.#first.length < 3) this.#first.push(word);
    const isFirst = this.#first.length === 1 || (this.#first.length === 3 && this.#first[1] === ':');
    const mayBegin = BEFORE_BEGIN.has(this.#previous) || this.#isHandler;
    // `END IF`, `END WHILE` … close something that neither BEGIN nor CASE opened.
    if (this.#isAfterEnd && /^(?:IF|WHILE|LOOP|REPEAT|FOR)$/.test(word)) this.depth += 1;
    const isCase = word === 'CASE' && this.depth > 0 && !this.#isAfterEnd;
    if (isCase || (word === 'BEGIN' && (isFirst || (this.depth > 0 && mayBegin)))) this.depth += 1;
    const mayEnd = this.#cases > 0 || this.#previous === ';' || this.#previous === 'BEGIN';
    const closes = word === 'END' && this.depth > 0 && mayEnd;
    if (closes) this.depth -= 1;
    if (isCase) this.#cases += 1;
    else if (closes && this.#cases > 0) this.#cases -= 1;
    else if (word === ';') this.#cases = 0;
    this.#isHandler = word === 'HANDLER' || (this.#isHandler && word !== ';' && word !== 'BEGIN');
    this.#isAfterEnd = closes;
    this.#previous = word;
  }
}

/** Line and column of an index. The indexes must be ascending, so that the text is read once. */
function placesIn(text: string): (index: number) => { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  let lineEnd = text.indexOf('\n');
  return (index) => {
    while (lineEnd !== -1 && lineEnd < index) {
      line += 1;
      lineStart = lineEnd + 1;
      lineEnd = text.indexOf('\n', lineStart);
    }
    return { line, column: index - lineStart + 1 };
  };
}
