import { stripVTControlCharacters } from 'node:util';
import type { RunView } from '../../../runs/run-view.ts';
import { isVisible, jsonSize, preformatted } from '../rich-text.ts';
import { truncateMiddle } from '../truncate.ts';
import type { BodyElement } from '../rich-text.ts';

/** What the code asks, and below it who is asked, how and until when; in at most `room` characters of JSON. */
export function renderQuestion({ phase, requester }: RunView, room: number): BodyElement[] {
  if (phase.kind !== 'inputAsked') return [];
  const { password, untilMs } = phase;
  const asked: BodyElement = {
    type: 'rich_text_section',
    elements: [
      ...(requester.startsWith('B')
        ? [{ type: 'text' as const, text: 'The code waits' }]
        : [{ type: 'user' as const, user_id: requester }]),
      { type: 'text', text: password ? PASSWORD_WORDS : LINE_WORDS },
      {
        type: 'date',
        timestamp: Math.floor(untilMs / 1000),
        format: '{time}',
        fallback: `${new Date(untilMs).toISOString().slice(11, 16)} UTC`,
      },
      { type: 'text', text: '.' },
    ],
  };
  const prompt = plainPrompt(phase.prompt).trim();
  if (!isVisible(prompt)) return [asked];
  for (let chars = 2_000; chars >= 40; chars = Math.floor(chars / 2)) {
    const elements = [preformatted(truncateMiddle(prompt, chars)), asked];
    if (jsonSize(elements) <= room) return elements;
  }
  return [asked];
}

const LINE_WORDS = ': reply with one line in this thread, or press Answer, until ';
/** A reply can be read by everybody. */
const PASSWORD_WORDS = ': press Answer and type it there, not in the thread, until ';

/** A prompt without colours and without the marks that readline takes out of it. */
export function plainPrompt(prompt: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it removes
  return stripVTControlCharacters(prompt).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
}

/** The question in plain words, for readers that do not see blocks. */
export function questionWords({ phase }: RunView): string {
  return phase.kind === 'inputAsked' ? plainPrompt(phase.prompt).trim() : '';
}
