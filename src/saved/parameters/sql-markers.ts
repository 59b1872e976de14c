import { UserError } from '../../errors.ts';
import { readSqlTokens } from '../../spark/sql/split-statements.ts';
import { type Notation, type Parameter, type Value, writeItems, writeValue } from './values.ts';

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
