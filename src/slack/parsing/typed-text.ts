/** What a person typed, in order, cut by how it was formatted. Neighbours of one kind are joined. */
export interface Message {
  parts: readonly Part[];
}

export type Part =
  /** A code block; `syntax` is what Slack's menu says of it. */
  | { kind: 'fence'; code: string; syntax?: string }
  | { kind: 'inline'; code: string }
  /** Anything outside code formatting, as it was typed; blank where only blanks stand between two others. */
  | { kind: 'bare'; text: string }
  /** The bot, called by its name outside code formatting. */
  | { kind: 'mention'; text: string };

export function mentionsBot(message: Message): boolean {
  return message.parts.some(({ kind }) => kind === 'mention');
}

export function hasCodeFormatting(message: Message): boolean {
  return message.parts.some(({ kind }) => kind === 'fence' || kind === 'inline');
}

/** Appends a part, joined to the last one where both are bare or both inline code. */
export function append(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (last?.kind === 'bare' && part.kind === 'bare') last.text += part.text;
  else if (last?.kind === 'inline' && part.kind === 'inline') last.code += part.code;
  else if (part.kind !== 'bare' || part.text !== '') parts.push({ ...part });
}

/** What is copied along unseen between words: zero-width spaces and joins, and marks of the byte order. */
export function withoutInvisible(text: string): string {
  return text.replaceAll(/[\u200B\u2060\uFEFF]/g, '');
}

/** So much of a line is looked at. */
const LINE_CHARS = 2_000;

/** Whether what follows `before` stands in a string or a comment, as far as one can tell without knowing the language. */
export function endsInText(before: string): boolean {
  if ((before.match(/"""|'''/g) ?? []).length % 2 === 1) return true;
  const line = before.slice(before.lastIndexOf('\n') + 1).slice(-LINE_CHARS);
  const open = line.replaceAll(/\\./g, '').replaceAll(/"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’/g, '');
  return /["'“”‘’#]|\/\//.test(open);
}

/** A string in straight quotes (to the end of its line when unclosed), one in curly quotes, or a lone clever character. */
const PIECE =
  /"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|[“”„‟][^“”„‟\n]*[“”„‟]?|[‘’‚‛][^‘’‚‛\n]*[‘’‚‛]?|[–—…]/g;

const PLAIN: Readonly<Record<string, string>> = { '—': '--', '–': '-', '…': '...' };

/**
 * Undoes what phones and clever keyboards make of code that is typed outside code formatting, where it is certain:
 * - a no-break space is a space, everywhere: clients put it in by themselves;
 * - a curly quote is a straight one, for no language has curly ones; but inside a string in straight quotes it is the
 *   author's own, because a keyboard that bends quotes would have bent those too;
 * - outside strings an em dash is `--`, an en dash `-`, an ellipsis three dots: no language has them either. Inside a
 *   string they are text, but for an em dash that begins a word (`—all`) in a string that a clever keyboard bent.
 * Never for code inside a fence or inline code.
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
