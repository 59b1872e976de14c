import type { RichTextPreformatted, RichTextSection } from '@slack/types';

export type BodyElement = RichTextSection | RichTextPreformatted;

/** All blocks of a message as JSON: Slack refuses about 13,200 characters (slack.md §2). */
export const MESSAGE_ROOM = 13_000;

/** A paragraph in our own words. Slack refuses empty text elements. */
export function sentence(text: string, style?: { italic?: true; bold?: true }): RichTextSection {
  return {
    type: 'rich_text_section',
    elements: [{ type: 'text', text: shownText(text), ...(style === undefined ? {} : { style }) }],
  };
}

/** Output as it is: Slack reads no markup here (slack.md §5). */
export function preformatted(text: string): RichTextPreformatted {
  return { type: 'rich_text_preformatted', elements: [{ type: 'text', text: shownText(text) }] };
}

/** Whether a reader would see anything of it. */
export function isVisible(text: string): boolean {
  return /[^\s\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164]/u.test(text);
}

/** Lone surrogates cannot be sent (the client's form encoding throws); a text that shows nothing is refused by Slack. */
function shownText(text: string): string {
  return isVisible(text) ? text.toWellFormed() : '(blank)';
}

/** How much of a message's room blocks or elements take: the characters of their JSON, of which Slack sees no fewer. */
export function jsonSize(value: unknown): number {
  return JSON.stringify(value).length;
}
