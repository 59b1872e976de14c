import { Parser } from 'htmlparser2';
import { giveTurn } from '../../gateway/event-loop.ts';
import { joinWords } from '../../text.ts';

const blockTags = new Set(
  'p div br tr table ul ol dl h1 h2 h3 h4 h5 h6 pre section blockquote summary figcaption'.split(' '),
);
/** What is in media is for browsers that cannot play them. */
export const silentTags: ReadonlySet<string> = new Set(
  'script style head title template svg noscript audio video canvas object iframe'.split(' '),
);

/** So much is read at once. */
export const PIECE_CHARS = 10_000;
/** The parser takes the longer for each element the deeper it is: what is deeper was not written to be read. */
export const MAX_NESTING = 2_000;

/**
 * The words of an HTML text, one line per block, list items with a dot, a term and what it means on one line. Empty when
 * it shows nothing without a browser; undefined when it is nested too deeply to be read.
 */
export async function htmlAsText(html: string): Promise<string | undefined> {
  const words = startReading();
  for (let at = 0; at < html.length; at += PIECE_CHARS) {
    words.read(html.slice(at, at + PIECE_CHARS));
    if (words.isTooDeep()) return undefined;
    await giveTurn();
  }
  return words.end();
}

/** The same for a short text, at once. */
export function shortHtmlAsText(html: string): string {
  const words = startReading();
  words.read(html);
  return words.end();
}

function startReading(): { read: (piece: string) => void; isTooDeep: () => boolean; end: () => string } {
  let text = '';
  let silent = 0;
  let nesting = 0;
  const parser = new Parser({
    onopentag(name) {
      nesting += 1;
      if (silentTags.has(name)) silent += 1;
      if (name === 'li') text += '\n• ';
      else if (name === 'dt') text += '\n';
      else if (name === 'td' || name === 'th' || name === 'dd') text += '\t';
      else if (blockTags.has(name)) text += '\n';
    },
    ontext(words) {
      if (silent === 0) text += words.replaceAll(/\s+/g, ' ');
    },
    onclosetag(name) {
      nesting -= 1;
      if (silentTags.has(name)) silent -= 1;
      if (blockTags.has(name)) text += '\n';
    },
  });
  return {
    read: (piece) => parser.write(piece),
    isTooDeep: () => nesting > MAX_NESTING,
    end() {
      parser.end();
      return joinWords(
        '\n',
        text.split('\n').map((line) => line.trim()),
      );
    },
  };
}
