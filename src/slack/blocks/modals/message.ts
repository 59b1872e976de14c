import type { ModalView } from '@slack/types';
import { truncate, truncateMrkdwn } from '../truncate.ts';

/** A modal that says one sentence: plain text, or mrkdwn of our own making. */
export function renderSentence(text: string, format: 'plain' | 'mrkdwn' = 'plain'): ModalView {
  return {
    type: 'modal',
    title: { type: 'plain_text', text: 'Sparkthread' },
    close: { type: 'plain_text', text: 'Close' },
    blocks: [
      {
        type: 'section',
        text:
          format === 'plain'
            ? { type: 'plain_text', text: truncate(text, 3_000), emoji: false }
            : { type: 'mrkdwn', text: truncateMrkdwn(text, 3_000) },
      },
    ],
  };
}
