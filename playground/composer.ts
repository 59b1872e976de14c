/**
 * What Slack's composer makes of a typed text: `blocks` with one rich_text block, and `text`, which is escaped and
 * auto-linked, also in code fences (slack.md §1.7). Lists and quotes are left as plain lines.
 */
import { joinInline, type RichText, type RichTextInline, type RichTextPart } from './rich-text.ts';

export interface Composed {
  readonly text: string;
  readonly blocks: RichText[];
}

export interface ComposerContext {
  /** The id of the user with this name. */
  readonly findUser: (name: string) => string | undefined;
  readonly findChannel: (name: string) => { id: string; name: string } | undefined;
  readonly findGroup?: (handle: string) => string | undefined;
  /** Whether to type as phones and Macs do: curly quotes, long dashes and ellipses outside code. */
  readonly phoneKeyboard?: boolean;
  /** Whether a fence's info string becomes the first line of the code (the older form) or the block's `language`. */
  readonly fenceLanguage?: 'firstLine' | 'property';
}

const fence = /```([\s\S]*?)```\n?/g;
const infoString = /^([\w+#.-]+)\n/;
const domains = 'ai|ch|cloud|co|com|de|dev|edu|eu|fr|gov|io|is|it|md|me|net|nl|org|pl|py|rs|sh|so|tv|uk|us';
const webAddress = /https?:\/\/[^\s<>`"]*[^\s<>`".,;:!?')\]}]/;
const mailAddress = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/;
const bareHost = new RegExp(
  `(?<![\\w.@/-])(?:[a-z0-9-]+\\.)+(?:${domains})(?![\\w.-]*\\w)(?:/[^\\s<>\`"]*)?`,
  'i',
);
const linkable = new RegExp(`(${webAddress.source})|(${mailAddress.source})|(${bareHost.source})`, 'gi');

const emojis: Readonly<Record<string, string>> = {
  '+1': '1f44d',
  fire: '1f525',
  heart: '2764-fe0f',
  rocket: '1f680',
  smile: '1f604',
  tada: '1f389',
  thumbsup: '1f44d',
  white_check_mark: '2705',
  x: '274c',
};

export function compose(typed: string, context: ComposerContext): Composed {
  const parts: RichTextPart[] = [];
  let end = 0;
  for (const match of typed.matchAll(fence)) {
    pushSection(parts, typed.slice(end, match.index), context);
    pushPreformatted(parts, match[1] ?? '', context);
    end = match.index + match[0].length;
  }
  pushSection(parts, typed.slice(end), context);
  if (parts.length === 0) return { text: '', blocks: [] };
  return {
    text: textOfParts(parts, context),
    blocks: [{ type: 'rich_text', elements: parts }],
  };
}

/** Escapes `& < >` as in Slack's `text`. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** What the keyboard of a phone or a Mac makes of a plain text. */
export function curled(text: string): string {
  return text
    .replaceAll(/(^|[\s([{=,])"/g, '$1“')
    .replaceAll('"', '”')
    .replaceAll(/(^|[\s([{=,])'/g, '$1‘')
    .replaceAll("'", '’')
    .replaceAll('--', '—')
    .replaceAll('...', '…');
}

function pushSection(parts: RichTextPart[], typed: string, context: ComposerContext): void {
  const elements = typed.split(/(`[^`\n]+`)/).flatMap((piece): RichTextInline[] => {
    if (/^`[^`\n]+`$/.test(piece)) return linked(piece.slice(1, -1), { code: true });
    return formatted(context.phoneKeyboard === true ? curled(piece) : piece, context);
  });
  if (elements.length > 0) parts.push({ type: 'rich_text_section', elements });
}

function pushPreformatted(parts: RichTextPart[], inside: string, context: ComposerContext): void {
  const language = context.fenceLanguage === 'property' ? infoString.exec(inside)?.[1] : undefined;
  const code = (language === undefined ? inside : inside.slice(language.length))
    .replace(/^\n/, '')
    .replace(/\n$/, '');
  if (code === '') return;
  parts.push({
    type: 'rich_text_preformatted',
    elements: linked(code, undefined),
    border: 0,
    ...(language === undefined ? {} : { language }),
  });
}

/** Mentions, channels, emoji, bold, italic and strike; the rest auto-linked. */
function formatted(typed: string, context: ComposerContext): RichTextInline[] {
  const special =
    /(@[\w.-]*\w)|(#[\w-]+)|:([\w+-]+):|(?<!\w)\*(\S(?:[^*\n]*\S)?)\*(?!\w)|(?<!\w)_(\S(?:[^_\n]*\S)?)_(?!\w)|(?<!\w)~(\S(?:[^~\n]*\S)?)~(?!\w)/g;
  const elements: RichTextInline[] = [];
  let end = 0;
  for (const match of typed.matchAll(special)) {
    const found = specialElement(match, context);
    if (found === undefined) continue;
    elements.push(...linked(typed.slice(end, match.index), undefined), found);
    end = match.index + match[0].length;
  }
  return [...elements, ...linked(typed.slice(end), undefined)];
}

function specialElement(match: RegExpMatchArray, context: ComposerContext): RichTextInline | undefined {
  const [, at, hash, emoji, bold, italic, strike] = match;
  if (at !== undefined) return mention(at.slice(1), match, context);
  if (hash !== undefined) {
    const channel = context.findChannel(hash.slice(1));
    return channel && { type: 'channel', channel_id: channel.id };
  }
  if (emoji !== undefined) {
    const unicode = emojis[emoji];
    return unicode === undefined ? undefined : { type: 'emoji', name: emoji, unicode };
  }
  if (bold !== undefined) return { type: 'text', text: bold, style: { bold: true } };
  if (italic !== undefined) return { type: 'text', text: italic, style: { italic: true } };
  return strike === undefined ? undefined : { type: 'text', text: strike, style: { strike: true } };
}

function mention(
  name: string,
  match: RegExpMatchArray,
  context: ComposerContext,
): RichTextInline | undefined {
  const before = match.input?.[match.index === undefined ? 0 : match.index - 1];
  if (before !== undefined && /\w/.test(before)) return undefined;
  if (name === 'channel' || name === 'here' || name === 'everyone') return { type: 'broadcast', range: name };
  const userId = context.findUser(name);
  if (userId !== undefined) return { type: 'user', user_id: userId };
  const groupId = context.findGroup?.(name);
  return groupId === undefined ? undefined : { type: 'usergroup', usergroup_id: groupId };
}

type Words = Extract<RichTextInline, { type: 'text' | 'link' }>;

function linked(words: string, style: { code: true } | undefined): Words[] {
  const elements: Words[] = [];
  const styled = style === undefined ? {} : { style };
  let end = 0;
  for (const match of words.matchAll(linkable)) {
    const [shown, web, mail] = match;
    if (match.index > end) elements.push({ type: 'text', text: words.slice(end, match.index), ...styled });
    const url = web ?? (mail === undefined ? `http://${shown}` : `mailto:${mail}`);
    elements.push({ type: 'link', url, ...(web === undefined ? { text: shown } : {}), ...styled });
    end = match.index + shown.length;
  }
  if (end < words.length) elements.push({ type: 'text', text: words.slice(end), ...styled });
  return elements;
}

/** A fence ends its line. */
function textOfParts(parts: readonly RichTextPart[], context: ComposerContext): string {
  let text = '';
  for (const [index, part] of parts.entries()) {
    text += textOfPart(part, context);
    if (part.type === 'rich_text_preformatted' && index < parts.length - 1) text += '\n';
  }
  return text;
}

function textOfPart(part: RichTextPart, context: ComposerContext): string {
  if (part.type === 'rich_text_preformatted')
    return `\`\`\`${part.elements.map((e) => textOf(e, context)).join('')}\`\`\``;
  if (part.type === 'rich_text_list')
    return part.elements.map((item) => `• ${textOfPart(item, context)}`).join('\n');
  return joinInline(part.elements, (element) => textOf(element, context));
}

function textOf(element: RichTextInline, context: ComposerContext): string {
  switch (element.type) {
    case 'text':
      return marked(escapeText(element.text), element.style);
    case 'link':
      return element.text === undefined
        ? `<${escapeText(element.url)}>`
        : `<${escapeText(element.url)}|${escapeText(element.text)}>`;
    case 'user':
      return `<@${element.user_id}>`;
    case 'usergroup':
      return `<!subteam^${element.usergroup_id}>`;
    case 'channel':
      return `<#${element.channel_id}|${context.findChannel(element.channel_id)?.name ?? ''}>`;
    case 'broadcast':
      return `<!${element.range}>`;
    case 'emoji':
      return `:${element.name}:`;
    case 'color':
      return element.value;
    case 'team':
      return element.team_id;
    case 'date':
      return element.fallback ?? '';
  }
}

function marked(text: string, style: RichTextInline['style']): string {
  if (style?.bold === true) return `*${text}*`;
  if (style?.italic === true) return `_${text}_`;
  return style?.strike === true ? `~${text}~` : text;
}
