import { UserError } from '../../errors.ts';
import { readSqlTokens } from '../../spark/sql/split-statements.ts';
import { type ParameterLanguage, parameterLanguage } from './languages.ts';
import { type Parameter, type Notation, type Value, writeItems, writeValue } from './values.ts';

/**
 * Code with values, as papermill puts them in: a block of assignments of its own, behind the block of assignments that the
 * code begins with, else before the code. A block is what the kernel gets in one request, so a cell magic stays first in
 * its own, and Scala may define a name anew. In SQL they take the place of markers. Throws `UserError` for a language or a
 * name that takes none.
 */
export function putIn(
  blocks: readonly string[],
  parameters: readonly Parameter[],
  language: string | undefined,
): readonly string[] {
  // A marker that gets no value is missed there, also where none is given.
  if (language === 'sql') return putIntoSql(blocks, parameters);
  if (parameters.length === 0) return blocks;
  const { assigned, written } = writeAssignments(parameters, language);
  const [first = '', ...others] = blocks;
  const names = new Set(parameters.map(({ name }) => name));
  const { head, rest } = splitHead(first, names, written);
  return [head, assigned, rest, ...others].filter((block) => block !== undefined);
}

/** A block that assigns the values. Throws `UserError` for a language or a name that takes none. */
export function assignmentsOf(parameters: readonly Parameter[], language: string | undefined): string {
  return writeAssignments(parameters, language).assigned;
}

function writeAssignments(
  parameters: readonly Parameter[],
  language: string | undefined,
): { assigned: string; written: ParameterLanguage } {
  const written = parameterLanguage(language);
  if (written === undefined)
    throw new UserError(
      'badCommand',
      `Values can be given to code in Python, Scala, R and SQL; this is ${language ?? 'in a language that the gateway does not tell'}. Nothing ran.`,
    );
  const wrong = parameters.find(({ name }) => !written.isName(name));
  if (wrong !== undefined)
    throw new UserError(
      'badCommand',
      `“${wrong.name}” is not a name in ${written.displayName}. Nothing ran.`,
    );
  return { assigned: [written.comment, ...parameters.map(written.assign)].join('\n'), written };
}

/**
 * The block of assignments that code begins with, with comments and imports between them; it ends before the first one that
 * uses a given name, which has to see the given value. `rest` is undefined where nothing is left; `head` where there is
 * no assignment.
 */
function splitHead(
  code: string,
  given: ReadonlySet<string>,
  language: ParameterLanguage,
): { head: string | undefined; rest: string | undefined } {
  const lines = code.split('\n');
  let end = 0;
  const [docstring = ''] = language.docstring?.exec(code) ?? [];
  for (let at = docstring.split('\n').length - 1; at < lines.length;) {
    const line = lines[at] ?? '';
    if (language.passed.test(line.trimEnd())) {
      at += 1;
      continue;
    }
    const next = language.assignment.test(line) ? assignmentEnd(lines, at, given, language) : undefined;
    if (next === undefined) break;
    at = next;
    end = next;
  }
  if (end === 0) return { head: undefined, rest: code };
  const rest = lines.slice(end).join('\n');
  return { head: lines.slice(0, end).join('\n'), rest: rest.trim() === '' ? undefined : rest };
}

/** A literal over more lines than this is no list of settings. */
const MAX_LINES = 200;

/** The line behind an assignment; undefined where it is more than that, or uses a given name. */
function assignmentEnd(
  lines: readonly string[],
  from: number,
  given: ReadonlySet<string>,
  language: ParameterLanguage,
): number | undefined {
  const [target = ''] = language.assignment.exec(lines[from] ?? '') ?? [];
  let depth = 0;
  for (let at = from; at < Math.min(lines.length, from + MAX_LINES); at += 1) {
    const line = lines[at] ?? '';
    const outside = withoutTexts(at === from ? line.slice(target.length) : line, language.lineComment);
    if (outside === undefined || /[;\\]/.test(outside)) return undefined;
    if ((outside.match(/[A-Za-z_.][\w.]*/g) ?? []).some((word) => usesGiven(word, given))) return undefined;
    depth += (outside.match(/[([{]/g) ?? []).length - (outside.match(/[)\]}]/g) ?? []).length;
    if (depth < 0) return undefined;
    if (depth === 0) return /(?:[=+\-*/<>|&,.]|<-)\s*$/.test(target + outside) ? undefined : at + 1;
  }
  return undefined;
}

/** `n.bit_length` uses `n`; in R `n.rows` is another name, and then too much is taken for a use. */
function usesGiven(word: string, given: ReadonlySet<string>): boolean {
  return given.has(word) || given.has(word.split('.')[0] ?? '');
}

/**
 * A line without what stands in quotes and behind a comment's sign; what a text with values in it (`f"{n}"`) says stays.
 * Undefined where a text goes on behind the line.
 */
function withoutTexts(line: string, comment: string): string | undefined {
  let outside = '';
  for (let at = 0; at < line.length;) {
    if (line.startsWith(comment, at)) return outside;
    const char = line[at] ?? '';
    if (char !== '"' && char !== "'") {
      outside += char;
      at += 1;
      continue;
    }
    if (line.startsWith(char.repeat(3), at)) return undefined;
    const close = closingQuote(line, at);
    if (close === undefined) return undefined;
    outside += /[fs]$/i.test(outside)
      ? ` ${line.slice(at + 1, close).replaceAll(/[()[\]{};\\]/g, ' ')} `
      : '""';
    at = close + 1;
  }
  return outside;
}

function closingQuote(line: string, from: number): number | undefined {
  for (let at = from + 1; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === line[from]) return at;
  }
  return undefined;
}

/**
 * SQL has no assignments that every Spark knows: each marker `:name` becomes the literal that is given for it. Throws
 * `UserError` where a marker gets none, or a value has no marker.
 */
export function putIntoSql(blocks: readonly string[], parameters: readonly Parameter[]): readonly string[] {
  const values = new Map(parameters.map(({ name, value }) => [name, value]));
  const used = new Set<string>();
  const written = blocks.map((block) => {
    let text = '';
    let from = 0;
    for (const { name, at, isBehindIn } of readMarkers(block)) {
      const value = values.get(name);
      if (value === undefined)
        throw new UserError(
          'badCommand',
          `:${name} gets no value. Give all of them, as in ${name}=5. Nothing ran.`,
        );
      used.add(name);
      const literal = isBehindIn ? inParentheses(value) : writeValue(value, inSql);
      text += block.slice(from, at);
      // Two of them side by side begin a comment.
      text += literal.startsWith('-') && text.endsWith('-') ? ` ${literal}` : literal;
      from = at + 1 + name.length;
    }
    return text + block.slice(from);
  });
  const idle = parameters.find(({ name }) => !used.has(name));
  if (idle !== undefined)
    throw new UserError('badCommand', `This SQL has no :${idle.name} for the value. Nothing ran.`);
  return written;
}

interface Marker {
  name: string;
  /** Where its colon is. */
  at: number;
  isBehindIn: boolean;
}

/** `:name` as Spark's lexer sees it: in texts, quoted names and comments there is none, and a cast (`::`) is none either. */
function* readMarkers(sql: string): Generator<Marker> {
  let [last, colonAt, beforeColon] = ['', -1, ''];
  for (const [token, at] of readSqlTokens(sql)) {
    const isName = /^[A-Za-z_]\w*$/.test(token) && !/[\w)\]:]/.test(sql[colonAt - 1] ?? '');
    if (isName && colonAt !== -1 && colonAt === at - 1)
      yield { name: token, at: colonAt, isBehindIn: beforeColon.toLowerCase() === 'in' };
    if (token === ':') [colonAt, beforeColon] = [at, last];
    last = token;
  }
}

/** Behind IN there is a list, of one value too. */
function inParentheses(value: Value): string {
  const items = value.kind === 'list' ? value.items : [value];
  return `(${items.length === 0 ? 'NULL' : writeItems(items, inSql)})`;
}

const inSql: Notation = {
  yes: 'TRUE',
  no: 'FALSE',
  none: 'NULL',
  text: quote,
  open: 'array(',
  close: ')',
};

/** How a quote is escaped is a setting of Spark's parser; bytes are read alike by each. */
function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it is for
  if (!/['"\\\u0000-\u001f\u007f]/.test(text)) return `'${text}'`;
  return `CAST(X'${Buffer.from(text).toString('hex').toUpperCase()}' AS STRING)`;
}
