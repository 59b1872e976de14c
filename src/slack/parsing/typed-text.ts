/** What a person typed, in order, split by its formatting. Neighbours of the same kind are joined. */
export interface Message {
  parts: readonly Part[];
}

export type Part =
  /** A code block; `syntax` is the language from Slack's menu. */
  | { kind: 'fence'; code: string; syntax?: string }
  | { kind: 'inline'; code: string }
  /** Text outside code formatting, as it was typed. */
  | { kind: 'bare'; text: string }
  /** A mention of the bot, outside code formatting. */
  | { kind: 'mention'; text: string };

export function mentionsBot(message: Message): boolean {
  return message.parts.some(({ kind }) => kind === 'mention');
}

export function hasCodeFormatting(message: Message): boolean {
  return message.parts.some(({ kind }) => kind === 'fence' || kind === 'inline');
}

/** Appends a part, or joins it to the last one if both are bare or both inline code. */
export function append(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (last?.kind === 'bare' && part.kind === 'bare') last.text += part.text;
  else if (last?.kind === 'inline' && part.kind === 'inline') last.code += part.code;
  else if (part.kind !== 'bare' || part.text !== '') parts.push({ ...part });
}

/** How much of a line is looked at. */
const LINE_CHARS = 2_000;

/** Whether the text after `before` is in a string or a comment, as far as can be told without knowing the language. */
function endsInText(before: string): boolean {
  if ((before.match(/"""|'''/g) ?? []).length % 2 === 1) return true;
  const line = before.slice(before.lastIndexOf('\n') + 1).slice(-LINE_CHARS);
  const open = line.replaceAll(/\\./g, '').replaceAll(/"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’/g, '');
  return /["'“”‘’#]|\/\//.test(open);
}

/** An emoji of rich text. */
interface Emoji {
  name?: string | undefined;
  unicode?: string | undefined;
  skin_tone?: number | undefined;
}

/**
 * What Slack turns into emoji outside code, as in `i <3`, `f(7, 8)`, `{C: 1, D: 2}`, `lambda c: 1` and `range( 3 ):`. No
 * language has these characters. Two of them people also send to each other: they are code only behind `after`.
 */
const EMOTICONS: ReadonlyMap<string, { typed: string; after?: RegExp }> = new Map([
  ['heart', { typed: '<3' }],
  ['sunglasses', { typed: '8)' }],
  ['anguished', { typed: 'D:' }],
  ['smile', { typed: 'c:', after: /(?:\b(?:lambda|if|elif|while|in|and|or|not)|[([{,])\s*$/ }],
  ['disappointed', { typed: '):', after: /\((?:[^()]|\([^()]*\))*$/ }],
]);

/** An emoji as it was typed after `before`, outside code formatting. */
export function readEmoji(emoji: Emoji, before: string): string {
  if (endsInText(before)) return emojiCharacter(emoji);
  const emoticon = EMOTICONS.get(emoji.name ?? '');
  if (emoticon !== undefined && (emoticon.after?.test(before.slice(-LINE_CHARS)) ?? true))
    return emoticon.typed;
  return /\S$/.test(before) ? emojiName(emoji) : emojiCharacter(emoji);
}

export function emojiName({ name = '', skin_tone: tone }: Emoji): string {
  return `:${name}:${tone === undefined ? '' : `:skin-tone-${tone}:`}`;
}

/**
 * Slack turns a typed 🎉 and a typed `:tada:` into the same element. In a string or a comment, and after a blank, the
 * character is meant; within other code the name: `d[1:x:2]`. A workspace's own emoji have no character.
 */
function emojiCharacter(emoji: Emoji): string {
  const points = (emoji.unicode ?? '').split('-').map((hex) => Number.parseInt(hex, 16));
  return points.every((point) => point <= 0x10_ff_ff) ? String.fromCodePoint(...points) : emojiName(emoji);
}

/**
 * A string in straight quotes (to the end of its line if unclosed), one in curly quotes, or a single typographic or
 * invisible character.
 */
const PIECE =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[“”„‟][^“”„‟\n]*[“”„‟]?|[‘’‚‛][^‘’‚‛\n]*[‘’‚‛]?|[–—…\u00AD\u200B\u200E\u200F\u2060\uFEFF]/g;

const PLAIN: Readonly<Record<string, string>> = {
  '—': '--',
  '–': '-',
  '…': '...',
  // A soft hyphen, a zero-width space, two marks of direction, a word joiner, a byte order mark.
  '\u00AD': '',
  '\u200B': '',
  '\u200E': '',
  '\u200F': '',
  '\u2060': '',
  '\uFEFF': '',
};

/**
 * Undoes what phones and typographic keyboards do to code that is typed outside code formatting, where that is certain:
 * - a no-break space becomes a space everywhere, because clients insert it by themselves;
 * - a curly quote becomes a straight one, because no language has curly ones; but within a string in straight quotes it
 *   stays, because a keyboard that makes quotes curly would have changed those, too;
 * - outside strings an em dash becomes `--`, an en dash `-`, an ellipsis three dots, because no language has them. Within
 *   a string they stay, except for an em dash that begins a word (`—all`) in a string with curly quotes;
 * - outside strings an invisible character goes that was copied along from a web page or a mail.
 *
 * Code in a fence or inline code is never changed.
 */
export function undoPhoneTyping(typed: string): string {
  return typed.replaceAll(/[\u00A0\u202F]/g, ' ').replaceAll(PIECE, (found) => {
    if (found.startsWith('"') || found.startsWith("'")) return found;
    return PLAIN[found] ?? straighten(found);
  });
}

function straighten(bent: string): string {
  return bent
    .replaceAll(/[“”„‟]/g, '"')
    .replaceAll(/[‘’‚‛]/g, "'")
    .replaceAll(/(?<=["'\s])—(?=\p{L})/gu, '--');
}
