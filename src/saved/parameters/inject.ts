import { UserError } from '../../errors.ts';
import { readSqlTokens } from '../../spark/sql/split-statements.ts';
import { inSql, type ParameterLanguage, parameterLanguage } from './languages.ts';
import { type Parameter, type Value, writeItems, writeValue } from './values.ts';

/**
 * Adds parameters to code as papermill does: as a separate block, after the assignments at the beginning of the code, or else
 * before the code. Each block is one request, so a cell magic stays first in its block, and Scala can define a name again. In
 * SQL the values replace markers. Throws `UserError` for a language that takes no parameters and for an invalid name.
 */
export function inject(
  blocks: readonly string[],
  parameters: readonly Parameter[],
  language: string | undefined,
): readonly string[] {
  // Also without parameters, because a marker without a value has to be refused.
  if (language === 'sql') return injectSql(blocks, parameters);
  if (parameters.length === 0) return blocks;
  const { assigned, settings } = placeValues(blocks, parameters, language);
  if (settings === undefined) return [assigned, ...blocks];
  const { number, head, rest } = settings;
  return [...blocks.slice(0, number), head, assigned, ...rest, ...blocks.slice(number + 1)];
}

/** The first assignments of the code: a block's number, its part up to the last of them, and the rest if there is any. */
interface Settings {
  number: number;
  head: string;
  rest: readonly string[];
}

/** A block that assigns the values, and the settings that it comes after. Throws as `inject` does. */
export function placeValues(
  blocks: readonly string[],
  parameters: readonly Parameter[],
  language: string | undefined,
): { assigned: string; settings: Settings | undefined } {
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
  const assigned = [written.comment, ...parameters.map(written.assign)].join('\n');
  const names = new Set(parameters.map(({ name }) => name));
  return { assigned, settings: findSettings(blocks, names, written) };
}

/**
 * Usually in the first block, but a notebook has its settings in a cell of their own, and code that was saved with values
 * has these in one, too.
 */
function findSettings(
  blocks: readonly string[],
  given: ReadonlySet<string>,
  language: ParameterLanguage,
): Settings | undefined {
  let found: Settings | undefined;
  let isAtStart = true;
  let isSet = false;
  for (const [number, block] of blocks.entries()) {
    const { head, rest, isAll, setsGiven } = splitHead(block, given, language);
    isSet ||= setsGiven;
    if (head !== undefined && (isAtStart || isSet)) found = { number, head, rest };
    isAtStart &&= isAll;
    if (isSet && !isAll) break;
  }
  return found;
}

/**
 * Splits code after the assignments at its beginning, which may have comments and imports between them. The head ends before
 * the first assignment that uses one of the given names, because that has to see the given value. `head` is undefined if
 * there is no assignment. `isAll`: the code has nothing else. `setsGiven`: the head assigns one of the given names.
 */
function splitHead(
  code: string,
  given: ReadonlySet<string>,
  language: ParameterLanguage,
): { head: string | undefined; rest: readonly string[]; isAll: boolean; setsGiven: boolean } {
  const lines = code.split('\n');
  let end = 0;
  let setsGiven = false;
  let at = (language.docstring?.exec(code)?.[0].split('\n').length ?? 1) - 1;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (language.passed.test(line.trimEnd())) {
      at += 1;
      continue;
    }
    const [target] = language.assignment.exec(line) ?? [];
    const next = target === undefined ? undefined : assignmentEnd(lines, at, target, given, language);
    if (target === undefined || next === undefined) break;
    setsGiven ||= hasGiven(target, given);
    at = next;
    end = next;
  }
  const head = end === 0 ? undefined : lines.slice(0, end).join('\n');
  const rest = lines.slice(end).join('\n');
  return { head, rest: rest.trim() === '' ? [] : [rest], isAll: at >= lines.length, setsGiven };
}

/** An assignment over more lines than this does not belong to the head. */
const MAX_LINES = 200;

/** The line after an assignment to `target`; undefined if the line has more than that, or uses one of the given names. */
function assignmentEnd(
  lines: readonly string[],
  from: number,
  target: string,
  given: ReadonlySet<string>,
  language: ParameterLanguage,
): number | undefined {
  let depth = 0;
  for (let at = from; at < Math.min(lines.length, from + MAX_LINES); at += 1) {
    const line = lines[at] ?? '';
    const outside = withoutTexts(at === from ? line.slice(target.length) : line, language.lineComment);
    if (outside === undefined || /[;\\]/.test(outside)) return undefined;
    if (hasGiven(outside, given)) return undefined;
    depth += (outside.match(/[([{]/g) ?? []).length - (outside.match(/[)\]}]/g) ?? []).length;
    if (depth < 0) return undefined;
    if (depth === 0) return /(?:[=+\-*/<>|&,.]|<-)\s*$/.test(target + outside) ? undefined : at + 1;
  }
  return undefined;
}

/** `n.bit_length` has `n`. In R `n.rows` is another name, but there it does no harm to find it. */
function hasGiven(text: string, given: ReadonlySet<string>): boolean {
  const words = text.match(/[A-Za-z_.][\w.]*/g) ?? [];
  return words.some((word) => given.has(word) || given.has(word.split('.')[0] ?? ''));
}

/** Of the letters before a string that say how it is read: `rb"`, `fr"`, `raw"`. */
const LONGEST_PREFIX = 10;

/**
 * A line without its string literals and its comment. The contents of strings with embedded expressions (`f"{n}"`) stay.
 * Undefined if a string does not end on the line.
 */
function withoutTexts(line: string, comment: string): string | undefined {
  const plain = /[^"'#/]+|[#/]/y;
  const outside: string[] = [];
  for (let at = 0; at < line.length && !line.startsWith(comment, at);) {
    plain.lastIndex = at;
    const [run] = plain.exec(line) ?? [];
    if (run !== undefined) {
      outside.push(run);
      at += run.length;
      continue;
    }
    const mark = line.charAt(at);
    if (line.startsWith(mark.repeat(3), at)) return undefined;
    const close = closingQuote(line, at);
    if (close === undefined) return undefined;
    const [prefix = ''] = /\w*$/.exec(line.slice(Math.max(0, at - LONGEST_PREFIX), at)) ?? [];
    outside.push(
      /[^rbu]/i.test(prefix) ? ` ${line.slice(at + 1, close).replaceAll(/[()[\]{};\\]/g, ' ')} ` : '""',
    );
    at = close + 1;
  }
  return outside.join('');
}

function closingQuote(line: string, from: number): number | undefined {
  for (let at = from + 1; at < line.length; at += 1) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === line[from]) return at;
  }
  return undefined;
}

/**
 * Replaces each marker `:name` by its literal, because not every Spark has variables in SQL. Throws `UserError` for a marker
 * without a value and for a value without a marker.
 */
export function injectSql(blocks: readonly string[], parameters: readonly Parameter[]): readonly string[] {
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
      // Two minus signs would begin a comment.
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
  /** The position of its colon. */
  at: number;
  isBehindIn: boolean;
}

/** The markers `:name` as Spark's lexer sees them: not in strings, quoted names or comments, and not in a cast (`::`). */
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

/** After IN even a single value needs parentheses. */
function inParentheses(value: Value): string {
  const items = value.kind === 'list' ? value.items : [value];
  return `(${items.length === 0 ? 'NULL' : writeItems(items, inSql)})`;
}
