/** Callees whose strings nobody in Slack reads. */
const UNREAD = /(?:\blog|\blogger|#log)\.\w+$|\bdescribe$|\brequire$/;

/** The texts among a file's string and template literals: those of several words, and labels that begin with a capital. */
export function readTexts(source: string): string[] {
  const texts: string[] = [];
  const callees: string[] = [];
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at, at + 2);
    const char = rest[0] ?? '';
    if (rest === '//') at = endOr(source, source.indexOf('\n', at));
    else if (rest === '/*') at = endOr(source, source.indexOf('*/', at)) + 2;
    else if (char === "'" || char === '"' || char === '`') {
      const { text, end, inner } = readLiteral(source, at);
      const isUnread = callees.some((callee) => UNREAD.test(callee));
      if (!isUnread && isText(text)) texts.push(text);
      if (!isUnread) texts.push(...inner.flatMap(readTexts));
      at = end;
    } else if (char === '/' && startsExpression(source, at)) at = endOfExpression(source, at);
    else {
      if (char === '(') callees.push(/[\w.#?!]+$/.exec(source.slice(Math.max(0, at - 60), at))?.[0] ?? '');
      if (char === ')') callees.pop();
      at += 1;
    }
  }
  return texts;
}

function endOr(source: string, index: number): number {
  return index === -1 ? source.length : index;
}

function readLiteral(source: string, start: number): { text: string; end: number; inner: string[] } {
  const quote = source[start];
  const inner: string[] = [];
  let text = '';
  let at = start + 1;
  while (at < source.length && source[at] !== quote) {
    if (source[at] === '\\') {
      text += source[at + 1] === 'n' ? ' ' : (source[at + 1] ?? '');
      at += 2;
    } else if (quote === '`' && source.startsWith('${', at)) {
      const end = endOfHole(source, at + 2);
      inner.push(source.slice(at + 2, end));
      text += '…';
      at = end + 1;
    } else {
      text += source[at];
      at += 1;
    }
  }
  return { text, end: at + 1, inner };
}

/** Where the `}` of a template's hole is. */
function endOfHole(source: string, start: number): number {
  let depth = 1;
  let at = start;
  while (at < source.length) {
    const char = source[at] ?? '';
    if (char === "'" || char === '"' || char === '`') {
      at = readLiteral(source, at).end;
      continue;
    }
    if (char === '{') depth += 1;
    if (char === '}') depth -= 1;
    if (depth === 0) return at;
    at += 1;
  }
  return at;
}

/** A slash behind an operator, a bracket or `return` begins a regular expression. */
function startsExpression(source: string, at: number): boolean {
  return /(?:[(,=>:[!&|?{};\n]|\breturn)\s*$/.test(source.slice(Math.max(0, at - 40), at));
}

function endOfExpression(source: string, start: number): number {
  let at = start + 1;
  let isInClass = false;
  while (at < source.length && (isInClass || source[at] !== '/')) {
    if (source[at] === '\n') return start + 1;
    if (source[at] === '\\') at += 1;
    else if (source[at] === '[') isInClass = true;
    else if (source[at] === ']') isInClass = false;
    at += 1;
  }
  return at + 1;
}

/** Words for people: not names of events, keys or modules. */
function isText(text: string): boolean {
  const words = text.trim();
  if (/^[A-Z][a-z]+(?: \w+)?$/.test(words)) return words.length > 2;
  return /\p{L}{2,}[’'”,;:.…)]*\s+\S*\p{L}/u.test(words) && !/^[\w/.-]+\.ts$/.test(words);
}
