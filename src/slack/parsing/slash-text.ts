import type { LanguageWords } from '../../runs/languages/languages.ts';
import { append, type Message, type Part } from './message/message-parts.ts';
import { splitFences, trimFence } from './message/fences.ts';
import { readEscaped } from './message/mrkdwn.ts';

/**
 * Reads the text after a slash command; a form may leave an empty one out. It comes as typed, backticks and all, but for
 * the entities; links only where the app is set to escape them, and then with a label: a bare `<http://…>` was typed so.
 * The blanks or the line break that set it apart from the command are not part of it.
 * A fence counts wherever it stands. Inline code counts only when it is all there is, a language's word allowed
 * before it: between other code a backtick is the language's own (R, Scala, a shell).
 */
export function readSlash(text: string | undefined, words: Pick<LanguageWords, 'isLanguage'>): Message {
  const parts: Part[] = [];
  for (const piece of splitFences((text ?? '').replace(/^[ \t]*\r?\n|^[ \t]+/, ''))) {
    const typed = readSlashEscapes(piece.text);
    if (piece.kind === 'fence') append(parts, { kind: 'fence', code: trimFence(typed) });
    else append(parts, { kind: 'bare', text: typed });
  }
  const only = parts.length === 1 ? parts[0] : undefined;
  return { parts: only?.kind === 'bare' ? readOnlyInline(only.text, words) : parts };
}

function readOnlyInline(text: string, words: Pick<LanguageWords, 'isLanguage'>): Part[] {
  const [, before = '', word, code] = /^((\S+)[ \t]+)?`([^`]+)`\s*$/.exec(text) ?? [];
  if (code === undefined || (word !== undefined && !words.isLanguage(word))) return [{ kind: 'bare', text }];
  const parts: Part[] = [];
  append(parts, { kind: 'bare', text: before });
  append(parts, { kind: 'inline', code });
  return parts;
}

function readSlashEscapes(text: string): string {
  return text
    .split(/(<[a-z][a-z\d+.-]*:[^<>|\s]*>)/i)
    .map((piece, index) => (index % 2 === 1 ? piece : readEscaped(piece)))
    .join('');
}
