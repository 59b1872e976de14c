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
