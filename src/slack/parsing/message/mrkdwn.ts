import { append, type Part } from './message-parts.ts';
import { splitFences, trimFence } from './fences.ts';

/** Slack's own markup, or one of the three entities it escapes. */
const markup = /<([^<>\n]*)>|&(amp|lt|gt);/g;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' };

/**
 * Reads a message's `text`, for messages that come without rich text (API clients, old messages). There Slack escapes
 * `& < >` and links what looks like a link, inside code too (slack.md fact 7); both are undone, in one pass.
 */
export function readMrkdwn(text: string, botUserId: string): Part[] {
  const parts: Part[] = [];
  for (const piece of splitFences(text)) {
    if (piece.kind === 'fence') append(parts, { kind: 'fence', code: trimFence(readEscaped(piece.text)) });
    else for (const part of readInline(piece.text, botUserId)) append(parts, part);
  }
  return parts;
}

function readInline(text: string, botUserId: string): Part[] {
  // Odd pieces stood between two backticks of one line.
  return text
    .split(/`([^`\n]+)`/)
    .flatMap((piece, index): Part[] =>
      index % 2 === 1 ? [{ kind: 'inline', code: readEscaped(piece) }] : readBare(piece, botUserId),
    );
}

function readBare(text: string, botUserId: string): Part[] {
  return text
    .split(new RegExp(`(<@${botUserId}(?:\\|[^<>]*)?>)`))
    .map((piece, index): Part =>
      index % 2 === 1
        ? { kind: 'mention', text: readEscaped(piece) }
        : { kind: 'bare', text: readEscaped(piece) },
    );
}

/** What was typed: links and mentions as they read, entities as characters. */
export function readEscaped(text: string): string {
  return text.replaceAll(markup, (found, inside: string | undefined, entity: string | undefined) =>
    entity === undefined ? (readMarkup(inside ?? '') ?? found) : (entities[entity] ?? found),
  );
}

/** The inside of `<…>`; undefined for what is none of Slack's markup. */
function readMarkup(inside: string): string | undefined {
  const [, target = '', label] = /^([^|]*)(?:\|(.*))?$/.exec(inside) ?? [];
  const said = label === undefined || label === '' ? undefined : readEntities(label);
  const [, sigil, name = ''] = /^([@#])(\w+)$/.exec(target) ?? [];
  if (sigil !== undefined) return `${sigil}${(said ?? name).replace(/^[@#]/, '')}`;
  if (target.startsWith('!subteam^')) return said ?? `@${target.slice('!subteam^'.length)}`;
  if (target.startsWith('!date^')) return said ?? '';
  if (/^!\w+$/.test(target)) return `@${said ?? target.slice(1)}`;
  if (!/^(?:[a-z][a-z\d+.-]*:\/\/|mailto:|tel:)/i.test(target)) return undefined;
  return said ?? readEntities(target).replace(/^(?:mailto|tel):/, '');
}

function readEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt);/g, (found, entity: string) => entities[entity] ?? found);
}

/** The names that a message's `text` gives to ids: `<@U1|ana>`, `<#C1|data>`, `<!subteam^S1|@team>`. */
export function readLabels(text: string): ReadonlyMap<string, string> {
  return new Map(
    Array.from(text.matchAll(/<(?:[@#]|!subteam\^)(\w+)\|([^<>]+)>/g), ([, id = '', label = '']) => [
      id,
      readEntities(label).replace(/^[@#]/, ''),
    ]),
  );
}
