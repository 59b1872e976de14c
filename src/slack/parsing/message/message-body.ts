import { append, type Message, type Part } from './message-parts.ts';
import { splitFences, trimFence } from './fences.ts';
import { readLabels, readMrkdwn } from './mrkdwn.ts';
import { readRichText } from './rich-text.ts';

/** The fields of a Slack message that say what was typed. */
export interface MessageSource {
  text?: string | undefined;
  blocks?: unknown;
}

/** Reads what was typed from a message's rich text, or from its `text` where it has none. */
export function readMessage(source: MessageSource, botUserId: string): Message {
  const text = source.text ?? '';
  const rich = readRichText(source.blocks, { botUserId, labels: readLabels(text) });
  return { parts: rich === undefined ? readMrkdwn(text, botUserId) : rich.reduce(withTypedFences, []) };
}

/** A composer that formats nothing leaves the backticks of a fence in the text. */
function withTypedFences(parts: Part[], part: Part): Part[] {
  if (part.kind !== 'bare') append(parts, part);
  else
    for (const piece of splitFences(part.text))
      append(
        parts,
        piece.kind === 'fence'
          ? { kind: 'fence', code: trimFence(piece.text) }
          : { kind: 'bare', text: piece.text },
      );
  return parts;
}
