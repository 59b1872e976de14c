import { type Handler, Parser } from 'htmlparser2';
import { giveTurn } from '../../gateway/event-loop.ts';
import { joinWords } from '../../text.ts';

const blockTags = new Set(
  'p div br tr table ul ol dl h1 h2 h3 h4 h5 h6 pre section blockquote summary figcaption'.split(' '),
);
/** Whether such an element begins a line of its own. */
export function isLine(tag: string): boolean {
  return blockTags.has(tag) || tag === 'li' || tag === 'dt';
}

/** Text inside media elements is for browsers that cannot play them. */
export const silentTags: ReadonlySet<string> = new Set(
  'script style head title template svg noscript audio video canvas object iframe'.split(' '),
);

/** Longer HTML is only attached: reading it would take too long. */
export const MAX_PARSED_CHARS = 300_000;
/** How much is parsed at once. */
const PIECE_CHARS = 10_000;
/** The deeper an element is nested, the longer the parser takes; nobody writes deeper HTML to be read. */
const MAX_NESTING = 2_000;

/**
 * Parses HTML in turns of the event loop. False if it is nested too deeply, or as soon as `isEnough` returns true after
 * a piece.
 */
export async function readHtml(
  html: string,
  handler: Partial<Handler>,
  isEnough: () => boolean = () => false,
): Promise<boolean> {
  let nesting = 0;
  const parser = new Parser({
    ...handler,
    onopentag(...given) {
      nesting += 1;
      handler.onopentag?.(...given);
    },
    onclosetag(...given) {
      nesting -= 1;
      handler.onclosetag?.(...given);
    },
  });
  for (let at = 0; at < html.length; at += PIECE_CHARS) {
    parser.write(html.slice(at, at + PIECE_CHARS));
    if (nesting > MAX_NESTING || isEnough()) return false;
    await giveTurn();
  }
  parser.end();
  return true;
}

/**
 * The text of HTML: a line for each block, list items with a dot, a term and its definition on one line, the lines of
 * `pre` as they are. Empty if nothing can be shown without a browser; undefined if it is too long or nested too deeply.
 */
export async function htmlAsText(html: string): Promise<string | undefined> {
  if (html.length > MAX_PARSED_CHARS) return undefined;
  const { handler, words } = startWords();
  return (await readHtml(html, handler)) ? words() : undefined;
}

/** The same for short HTML, synchronously. */
export function shortHtmlAsText(html: string): string {
  const { handler, words } = startWords();
  new Parser(handler).end(html);
  return words();
}

/** Stands for a blank that is shown as it is, until the lines have been trimmed. */
const BLANK = '\0';

function startWords(): { handler: Partial<Handler>; words: () => string } {
  let text = '';
  let silent = 0;
  let preformatted = 0;
  return {
    handler: {
      onopentag(name) {
        if (silentTags.has(name)) silent += 1;
        if (name === 'pre') preformatted += 1;
        if (name === 'li') text += '\n• ';
        else if (name === 'dt') text += '\n';
        else if (name === 'td' || name === 'th' || name === 'dd') text += '\t';
        else if (blockTags.has(name)) text += '\n';
      },
      ontext(words) {
        if (silent > 0) return;
        text +=
          preformatted > 0
            ? words.replaceAll(' ', BLANK).replaceAll(/\n(?=\n)/g, `\n${BLANK}`)
            : words.replaceAll(/\s+/g, ' ');
      },
      onclosetag(name) {
        if (silentTags.has(name)) silent -= 1;
        if (name === 'pre') preformatted -= 1;
        if (blockTags.has(name)) text += '\n';
      },
    },
    words: () =>
      joinWords(
        '\n',
        text.split('\n').map((line) => line.trim().replaceAll(BLANK, ' ')),
      ),
  };
}
