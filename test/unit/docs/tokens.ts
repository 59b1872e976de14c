export interface Token {
  kind: 'comment' | 'string' | 'name' | 'other';
  text: string;
  line: number;
}

const FORMS = [
  ['comment', /\/\*[\s\S]*?\*\/|\/\/[^\n]*/y],
  ['string', /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/y],
  ['name', /[A-Za-z_$][\w$]*/y],
  ['other', /\d[\w.]*|\s+|[^\s]/y],
] as const;
const REGULAR_EXPRESSION = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
/** After these a slash divides; after anything else it begins a regular expression. */
const ENDS_A_VALUE = /[\w$)\]}'"`]$/;
const BEFORE_A_VALUE = /^(?:return|typeof|case|in|of|await|yield)$/;

/** The tokens of a TypeScript text: enough of the language to tell names, strings and comments apart. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let before = '';
  const push = (kind: Token['kind'], text: string): void => {
    tokens.push({ kind, text, line });
    line += text.split('\n').length - 1;
    at += text.length;
    if (kind !== 'comment' && text.trim() !== '') before = text;
  };
  /** Template texts are strings; what stands in `${}` is code. Gives where the code ends. */
  const template = (): void => {
    let text = source[at] ?? '';
    let end = at + 1;
    while (end < source.length) {
      if (source[end] === '\\') end += 2;
      else if (source[end] === '`') return push('string', source.slice(at, end + 1));
      else if (source.startsWith('${', end)) {
        push('string', source.slice(at, end + 2));
        code('}');
        text = '';
        end = at + 1;
      } else end += 1;
    }
    push('string', text + source.slice(at));
  };
  const code = (until: string | undefined): void => {
    let depth = 0;
    while (at < source.length) {
      const char = source[at];
      if (char === until && depth === 0) return;
      if (until !== undefined && char === '{') depth += 1;
      if (until !== undefined && char === '}') depth -= 1;
      if (char === '`') template();
      else push(...next());
    }
  };
  const next = (): [Token['kind'], string] => {
    for (const [kind, form] of FORMS) {
      form.lastIndex = at;
      const [text] = form.exec(source) ?? [];
      if (text === undefined) continue;
      REGULAR_EXPRESSION.lastIndex = at;
      if (text === '/' && (!ENDS_A_VALUE.test(before) || BEFORE_A_VALUE.test(before)))
        return ['other', REGULAR_EXPRESSION.exec(source)?.[0] ?? text];
      return [kind, text];
    }
    return ['other', source[at] ?? ''];
  };
  code(undefined);
  return tokens;
}

/** `kernelsPerChannel`, `MAX_CODE` and `run-store.ts` in their words, in lower case. */
export function partsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .filter((part) => part !== '')
    .map((part) => part.toLowerCase());
}
