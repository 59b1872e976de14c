import type { ModalView } from '@slack/types';
import { truncate } from '../truncate.ts';

/** A modal that says one sentence. Plain text. */
export function renderSentence(text: string): ModalView {
  return {
    type: 'modal',
    title: { type: 'plain_text', text: 'Sparkthread' },
    close: { type: 'plain_text', text: 'Close' },
    blocks: [{ type: 'section', text: { type: 'plain_text', text: truncate(text, 3_000), emoji: false } }],
  };
}
