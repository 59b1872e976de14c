import type { KnownBlock, RichTextElement, RichTextPreformatted, RichTextSection } from '@slack/types';

export type BodyElement = RichTextSection | RichTextPreformatted;

/** How many characters the JSON of a message's blocks may have: Slack refuses about 13,200 (slack.md §2). */
export const MESSAGE_ROOM = 13_000;

/** A paragraph of one text. Slack refuses empty text elements. */
export function sentence(text: string, style?: { italic?: true; bold?: true }): RichTextSection {
  return paragraph({ type: 'text', text: shownText(text), ...(style === undefined ? {} : { style }) });
}

/** A paragraph of texts and other elements: people, channels, times, links. */
export function paragraph(...elements: (string | RichTextElement)[]): RichTextSection {
  return {
    type: 'rich_text_section',
    elements: elements.map((each) => (typeof each === 'string' ? { type: 'text', text: each } : each)),
  };
}

/** A person in a paragraph. A bot that has no user (B…) has no element of its own. */
export function person(userId: string): RichTextElement {
  return userId.startsWith('B') ? { type: 'text', text: `bot ${userId}` } : { type: 'user', user_id: userId };
}

/** Literal text: Slack reads no markup here (slack.md §5). `language`: what Slack colours it as. */
export function preformatted(text: string, language?: string): RichTextPreformatted {
  return {
    type: 'rich_text_preformatted',
    elements: [{ type: 'text', text: shownText(text) }],
    // Slack's types lack it (slack.md §4).
    ...(language === undefined ? {} : { language }),
  };
}

const COLOURED: ReadonlySet<string> = new Set(['python', 'scala', 'r', 'sql', 'json']);

/** Slack's name of a kernel's language, for colours; undefined if Slack may refuse it. */
export function colouredAs(language: string | undefined): string | undefined {
  const name = language?.toLowerCase() ?? '';
  return COLOURED.has(name) ? name : undefined;
}

/** The language of an output: JSON if it has the form in which the bot writes JSON. */
export function outputLanguage(text: string): string | undefined {
  const isJson =
    (text.startsWith('{\n  "') && text.endsWith('\n}')) || (text.startsWith('[\n  ') && text.endsWith('\n]'));
  return isJson ? 'json' : undefined;
}

/** The same blocks without languages, for a Slack that refuses them; `blocks` itself if it has none. */
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

/** Whether a text has any visible character. */
export function isVisible(text: string): boolean {
  return /[^\s\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164]/u.test(text);
}

/** Slack refuses lone surrogates and texts without a visible character. */
function shownText(text: string): string {
  return isVisible(text) ? text.toWellFormed() : '(blank)';
}

/**
 * How much of a message's room a value takes: the characters of its JSON, which are at least as many as Slack counts.
 */
export function jsonSize(value: unknown): number {
  return JSON.stringify(value).length;
}

/**
 * Renders with `longest` characters and then with half as many each time, until the JSON fits into `room`; undefined if
 * nothing down to `least` fits.
 */
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
