/**
 * What Slack's message composer makes of what a person types: rich text blocks, and the escaped and auto-linked
 * `text` beside them (slack.md facts 6 and 7, §4). It shares no code with the readers that are tested on it.
 */
export type Typed = { fence: string; menu?: string } | { inline: string } | { bare: string };

export interface Composed {
  text: string;
  blocks: object[];
}

export const botUserId = 'U0BOT';
const people: Readonly<Record<string, string>> = { sparkthread: botUserId, ana: 'U0ANA' };
const channels: Readonly<Record<string, string>> = { data: 'C0DATA' };
const emoji: Readonly<Record<string, string>> = { x: '274c', b: '1f171-fe0f', smile: '1f604', tada: '1f389' };

/** Addresses, and file names that end like a top-level domain. */
const link =
  /(?<url>https?:\/\/[^\s"'`<>|)\]}]+)|(?<mail>[\w.+-]+@[\w-]+\.(?:com|org))|(?<domain>\b[a-z][\w-]*\.(?:py|sh|io|rs|md|com|org)\b(?![\w(]))/;
const mention = /@(?<person>\w+)|#(?<channel>[a-z]+)|:(?<emoji>[a-z]+):|(?<!\S)\*(?<bold>[^\s*]+)\*(?!\S)/;

export function compose(typed: readonly Typed[]): Composed {
  const sections: object[] = [];
  let line: object[] = [];
  const endLine = () => {
    if (line.length > 0) sections.push({ type: 'rich_text_section', elements: line });
    line = [];
  };
  for (const piece of typed) {
    if ('fence' in piece) {
      endLine();
      const language = piece.menu === undefined ? {} : { language: piece.menu };
      sections.push({
        type: 'rich_text_preformatted',
        elements: codeWords(piece.fence),
        border: 0,
        ...language,
      });
    } else if ('inline' in piece) {
      line.push(...codeWords(piece.inline).map((word) => ({ ...word, style: { code: true } })));
    } else line.push(...bareWords(piece.bare));
  }
  endLine();
  return {
    text: typed.map(textOf).join(''),
    blocks: [{ type: 'rich_text', block_id: 'b1', elements: sections }],
  };
}

/** The `text` of a slash command: as typed, entities escaped. */
export function composeSlash(typed: readonly Typed[]): string {
  return typed
    .map((piece) => {
      if ('fence' in piece) return `\`\`\`\n${piece.fence}\n\`\`\``;
      return 'inline' in piece ? `\`${piece.inline}\`` : piece.bare;
    })
    .map(escape)
    .join('');
}

function cut(text: string, pattern: RegExp): { plain: string; match?: RegExpExecArray }[] {
  const pieces: { plain: string; match?: RegExpExecArray }[] = [];
  let rest = text;
  for (let match = pattern.exec(rest); match !== null; match = pattern.exec(rest)) {
    pieces.push({ plain: rest.slice(0, match.index), match });
    rest = rest.slice(match.index + match[0].length);
  }
  return [...pieces, { plain: rest }];
}

function plainWord(text: string): object[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function codeWords(code: string): object[] {
  return cut(code, link).flatMap(({ plain, match }) => [
    ...plainWord(plain),
    ...(match === undefined ? [] : [linkWord(match)]),
  ]);
}

function linkWord({ 0: text, groups }: RegExpExecArray): object {
  if (groups?.['url'] !== undefined) return { type: 'link', url: text };
  if (groups?.['mail'] !== undefined) return { type: 'link', url: `mailto:${text}`, text, unsafe: true };
  return { type: 'link', url: `http://${text}`, text, unsafe: true };
}

function bareWords(text: string): object[] {
  return cut(text, mention).flatMap(({ plain, match }) => [
    ...codeWords(plain),
    ...(match === undefined ? [] : mentionWord(match)),
  ]);
}

function mentionWord({ 0: text, groups = {} }: RegExpExecArray): object[] {
  const user = people[groups['person'] ?? ''];
  const channel = channels[groups['channel'] ?? ''];
  const unicode = emoji[groups['emoji'] ?? ''];
  if (user !== undefined) return [{ type: 'user', user_id: user }];
  if (channel !== undefined) return [{ type: 'channel', channel_id: channel }];
  if (unicode !== undefined) return [{ type: 'emoji', name: groups['emoji'], unicode }];
  if (groups['bold'] !== undefined) return [{ type: 'text', text: groups['bold'], style: { bold: true } }];
  return plainWord(text);
}

function textOf(piece: Typed): string {
  if ('fence' in piece) return `\`\`\`\n${linked(piece.fence)}\n\`\`\``;
  if ('inline' in piece) return `\`${linked(piece.inline)}\``;
  return cut(piece.bare, mention)
    .map(({ plain, match }) => linked(plain) + (match === undefined ? '' : mentionText(match)))
    .join('');
}

function mentionText({ 0: text, groups = {} }: RegExpExecArray): string {
  const user = people[groups['person'] ?? ''];
  const channel = channels[groups['channel'] ?? ''];
  if (user === botUserId) return `<@${user}>`;
  if (user !== undefined) return `<@${user}|${groups['person']}>`;
  return channel === undefined ? escape(text) : `<#${channel}|${groups['channel']}>`;
}

function linked(text: string): string {
  return cut(text, link)
    .map(({ plain, match }) => escape(plain) + (match === undefined ? '' : linkText(match)))
    .join('');
}

function linkText({ 0: text, groups }: RegExpExecArray): string {
  const shown = escape(text);
  if (groups?.['url'] !== undefined) return `<${shown}>`;
  return groups?.['mail'] === undefined ? `<http://${shown}|${shown}>` : `<mailto:${shown}|${shown}>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
