import { Parser } from 'htmlparser2';

const blockTags = new Set([
  'p',
  'div',
  'br',
  'tr',
  'table',
  'ul',
  'ol',
  'dl',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'pre',
  'section',
  'dt',
]);
/** What stands in media is for browsers that cannot play them. */
const silentTags = new Set([
  'script',
  'style',
  'head',
  'title',
  'template',
  'svg',
  'noscript',
  'audio',
  'video',
  'canvas',
  'object',
  'iframe',
]);

/** The words of an HTML text, one line per block, list items with a dot. Empty when it shows nothing without a browser. */
export function htmlAsText(html: string): string {
  let text = '';
  let silent = 0;
  const parser = new Parser({
    onopentag(name) {
      if (silentTags.has(name)) silent += 1;
      if (name === 'li') text += '\n• ';
      else if (name === 'td' || name === 'th' || name === 'dd') text += '\t';
      else if (blockTags.has(name)) text += '\n';
    },
    ontext(words) {
      if (silent === 0) text += words.replaceAll(/\s+/g, ' ');
    },
    onclosetag(name) {
      if (silentTags.has(name)) silent -= 1;
      if (blockTags.has(name)) text += '\n';
    },
  });
  parser.end(html);
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
