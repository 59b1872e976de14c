import { UserError } from '../../errors.ts';
import { type Notation, type Parameter, type Value, writeItems, writeValue } from './values.ts';

/**
 * What no marker is in: texts, quoted names, comments, each to its end or to the end of all; a cast (`::`) is none either.
 * Then a marker, `:name`; words and blanks in one go.
 */
const TOKEN =
  /'(?:[^'\\]|\\[\s\S])*(?:'|\\?$)|"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|`[^`]*(?:`|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|::|(?<![\w)\]])(\bin\s*)?:([A-Za-z_]\w*)|\w+|\s+|[\s\S]/giy;

/**
 * SQL has no assignments that every Spark knows: each marker `:name` becomes the literal that is given for it. Throws
 * `UserError` where a marker gets none, or a value has no marker.
 */
export function putIntoSql(blocks: readonly string[], parameters: readonly Parameter[]): readonly string[] {
  const values = new Map(parameters.map(({ name, value }) => [name, value]));
  const used = new Set<string>();
  const written = blocks.map((block) =>
    block.replaceAll(
      TOKEN,
      (token: string, before: string | undefined, name: string | undefined, at: number) => {
        if (name === undefined) return token;
        const value = values.get(name);
        if (value === undefined)
          throw new UserError(
            'badCommand',
            `:${name} gets no value. Give all of them, as in ${name}=5. Nothing ran.`,
          );
        used.add(name);
        if (before !== undefined) return `${before}${inParentheses(value)}`;
        const literal = writeValue(value, inSql);
        // Two of them side by side begin a comment.
        return literal.startsWith('-') && block[at - 1] === '-' ? ` ${literal}` : literal;
      },
    ),
  );
  const idle = parameters.find(({ name }) => !used.has(name));
  if (idle !== undefined)
    throw new UserError('badCommand', `This SQL has no :${idle.name} for the value. Nothing ran.`);
  return written;
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
