import type { KnownBlock, RichTextElement, RichTextPreformatted, RichTextSection } from '@slack/types';

export type BodyElement = RichTextSection | RichTextPreformatted;

/** All blocks of a message as JSON: Slack refuses about 13,200 characters (slack.md §2). */
export const MESSAGE_ROOM = 13_000;

/** A paragraph in our own words. Slack refuses empty text elements. */
export function sentence(text: string, style?: { italic?: true; bold?: true }): RichTextSection {
  return paragraph({ type: 'text', text: shownText(text), ...(style === undefined ? {} : { style }) });
}

/** A paragraph of texts and of what is no text: people, channels, times, links. */
export function paragraph(...elements: (string | RichTextElement)[]): RichTextSection {
  return {
    type: 'rich_text_section',
    elements: elements.map((each) => (typeof each === 'string' ? { type: 'text', text: each } : each)),
  };
}

/** Somebody in a paragraph. A bot that has no user (B…) cannot be named by an element. */
export function person(userId: string): RichTextElement {
  return userId.startsWith('B') ? { type: 'text', text: `bot ${userId}` } : { type: 'user', user_id: userId };
}

/** Output as it is: Slack reads no markup here (slack.md §5). `language` colours it, by a name that Slack knows. */
export function preformatted(text: string, language?: string): RichTextPreformatted {
  return {
    type: 'rich_text_preformatted',
    elements: [{ type: 'text', text: shownText(text) }],
    // Slack's client types do not know it (slack.md §5).
    ...(language === undefined ? {} : { language }),
  };
}

const COLOURED: ReadonlySet<string> = new Set(['python', 'scala', 'r', 'sql', 'json']);

/** The name by which Slack colours code of a kernel's language; undefined for what may be refused. */
export function colouredAs(language: string | undefined): string | undefined {
  const name = language?.toLowerCase() ?? '';
  return COLOURED.has(name) ? name : undefined;
}

/** Of output: JSON as it is written out here, over several lines. */
export function outputLanguage(text: string): string | undefined {
  const isJson =
    (text.startsWith('{\n  "') && text.endsWith('\n}')) || (text.startsWith('[\n  ') && text.endsWith('\n]'));
  return isJson ? 'json' : undefined;
}

/** The same blocks with no language at any code, for a Slack that does not take it; the very ones where there is none. */
export function withoutLanguages(blocks: KnownBlock[]): KnownBlock[] {
  if (!blocks.some(namesLanguage)) return blocks;
  return blocks.map((block) =>
    block.type === 'rich_text'
      ? {
          ...block,
          elements: block.elements.map((element) =>
            element.type === 'rich_text_preformatted'
              ? { type: element.type, elements: element.elements }
              : element,
          ),
        }
      : block,
  );
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

/** The longest of ever shorter forms that takes at most `room` characters of JSON; undefined where none from `least` on does. */
export function fitShorter<Rendered>(
  longest: number,
  least: number,
  room: number,
  render: (chars: number) => Rendered,
): Rendered | undefined {
  for (let chars = Math.floor(longest); chars >= least; chars = Math.floor(chars / 2)) {
    const rendered = render(chars);
    if (jsonSize(rendered) <= room) return rendered;
  }
  return undefined;
}

function namesLanguage(block: KnownBlock): boolean {
  return block.type === 'rich_text' && block.elements.some((element) => 'language' in element);
}
