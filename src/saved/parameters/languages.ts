import { literalInR } from '../../spark/sql/r.ts';
import { type Notation, type Parameter, writeValue } from './values.ts';

/** How a language writes values and assigns them, as papermill does it. */
export interface ParameterLanguage {
  displayName: string;
  /** Whether a value can be assigned to this name. */
  isName: (name: string) => boolean;
  assign: (parameter: Parameter) => string;
  /** The line above the assignments. */
  comment: string;
  /** Lines that may be between a snippet's own assignments: blank lines, comments, imports. */
  passed: RegExp;
  /** A docstring at the beginning of the code, with the rest of its line. */
  docstring?: RegExp;
  /** The beginning of a line that assigns a value, up to the value. */
  assignment: RegExp;
  lineComment: string;
}

const PYTHON_WORDS =
  'False None True and as assert async await break class continue def del elif else except exec finally for from global if import in is lambda nonlocal not or pass print raise return try while with yield';
const SCALA_WORDS =
  'abstract case catch class def do else extends false final finally for forSome given if implicit import lazy match new null object override package private protected return sealed super then this throw trait true try type val var while with yield';
const R_WORDS =
  'if else repeat while function for next break TRUE FALSE NULL Inf NaN NA NA_integer_ NA_real_ NA_complex_ NA_character_ in ...';

const python: ParameterLanguage = {
  displayName: 'Python',
  isName: namedBy(/^[A-Za-z_]\w*$/, PYTHON_WORDS),
  assign: ({ name, value }) => `${name} = ${writeValue(value, inPython)}`,
  comment: '# Parameters',
  passed: /^(?:#.*|(?:import|from)\s.*|[%!]\w(?:[\w ./-]|==)*)?$/,
  docstring: /^\s*[rRuU]?(?:"{3}(?:(?!"{3})[^])*"{3}|'{3}(?:(?!'{3})[^])*'{3})[ \t]*(?:#.*)?\n/,
  assignment: /^[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?::[^=]*)?=(?!=)/,
  lineComment: '#',
};

const scala: ParameterLanguage = {
  displayName: 'Scala',
  isName: namedBy(/^[A-Za-z_]\w*$/, SCALA_WORDS),
  assign: ({ name, value }) => `val ${name} = ${writeValue(value, inScala)}`,
  comment: '// Parameters',
  passed: /^(?:\/\/.*|import\s.*)?$/,
  assignment: /^(?:val|var)\s+[A-Za-z_]\w*\s*(?::[^=]*)?=(?!=)/,
  lineComment: '//',
};

const r: ParameterLanguage = {
  displayName: 'R',
  isName: namedBy(/^(?:[A-Za-z]|\.(?!\.*\d))[\w.]*$/, R_WORDS),
  assign: ({ name, value }) => `${name} = ${writeValue(value, inR)}`,
  comment: '# Parameters',
  passed: /^(?:#.*|(?:library|require)\(.*\))?$/,
  assignment: /^[A-Za-z.][\w.]*\s*(?:<-|=(?!=))/,
  lineComment: '#',
};

const KNOWN = new Map(Object.entries({ python, scala, r }));

/** `language` is the kernelspec's word. Undefined for a language that takes no parameters. */
export function parameterLanguage(language: string | undefined): ParameterLanguage | undefined {
  return KNOWN.get(language?.toLowerCase() ?? '');
}

function namedBy(form: RegExp, words: string): (name: string) => boolean {
  const reserved = new Set(words.split(' '));
  return (name) => form.test(name) && !reserved.has(name);
}

const inPython: Notation = {
  yes: 'True',
  no: 'False',
  none: 'None',
  // Python 2 has \u only in its unicode literals.
  text: (text) => JSON.stringify(text).replaceAll(/(?<!\\)((?:\\\\)*)\\u00/g, '$1\\x'),
  open: '[',
  close: ']',
};

const INT_MAX = 2n ** 31n - 1n;
const LONG_MAX = 2n ** 63n - 1n;

const inScala: Notation = {
  yes: 'true',
  no: 'false',
  none: 'None',
  integer: scalaInteger,
  text: JSON.stringify,
  open: 'Seq(',
  close: ')',
};

function scalaInteger(digits: string): string {
  const whole = BigInt(digits);
  if (fits(whole, INT_MAX)) return digits;
  return fits(whole, LONG_MAX) ? `${digits}L` : `BigInt("${digits}")`;
}

/** Two's complement has one more negative number. */
function fits(whole: bigint, max: bigint): boolean {
  return whole <= max && whole >= -max - 1n;
}

const inR: Notation = {
  yes: 'TRUE',
  no: 'FALSE',
  none: 'NULL',
  text: literalInR,
  open: 'list(',
  close: ')',
};

export const inSql: Notation = {
  yes: 'TRUE',
  no: 'FALSE',
  none: 'NULL',
  text: quote,
  open: 'array(',
  close: ')',
};

/**
 * Spark's settings decide how quotes are escaped, and Spark puts variables in even between quotes (`${env:HOME}`), but
 * every Spark reads bytes in the same way.
 */
function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what it is for
  if (!/['"\\\u0000-\u001f\u007f]|\$\{/.test(text)) return `'${text}'`;
  return `CAST(X'${Buffer.from(text).toString('hex').toUpperCase()}' AS STRING)`;
}
