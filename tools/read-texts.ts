import { type Node, parseSync, Visitor } from 'oxc-parser';

/** Functions whose arguments nobody in Slack reads. */
const UNREAD = /(?:\blog|\blogger|#log)\.\w+$|\bdescribe$|\brequire$/;

/** The string and template literals of a file that are texts: several words, or a label that begins with a capital. */
export function readTexts(source: string): string[] {
  const texts: string[] = [];
  let unreadCalls = 0;
  const isUnread = ({ callee }: { callee: Node }): boolean =>
    UNREAD.test(source.slice(callee.start, callee.end));
  const note = (written: string): void => {
    const text = written.replaceAll('\n', ' ');
    if (unreadCalls === 0 && isText(text)) texts.push(text);
  };
  new Visitor({
    CallExpression: (call) => {
      if (isUnread(call)) unreadCalls += 1;
    },
    'CallExpression:exit': (call) => {
      if (isUnread(call)) unreadCalls -= 1;
    },
    Literal: ({ value }) => {
      if (typeof value === 'string') note(value);
    },
    TemplateLiteral: ({ quasis }) => note(quasis.map(({ value }) => value.cooked ?? value.raw).join('…')),
  }).visit(parseSync('read.ts', source).program);
  return texts;
}

/** Whether the words are for people, and not a name of an event, key or module. */
function isText(text: string): boolean {
  const words = text.trim();
  if (/^[A-Z][a-z]+(?: \w+)?$/.test(words)) return words.length > 2;
  return /\p{L}{2,}[’'”,;:.…)]*\s+\S*\p{L}/u.test(words) && !/^[\w/.-]+\.ts$/.test(words);
}
