import type { ModalView } from '@slack/types';
import { z } from 'zod';

/** The box for a line that the kernel waits for. */
export const questionCallback = 'question';
export const lineBlock = 'line';
/** It has to pass through the store's signals when another process runs the kernel. */
const maxLineChars = 1_000;

const metadataSchema = z.object({ runId: z.string(), questionId: z.string() });
export type QuestionKey = z.infer<typeof metadataSchema>;

export function readQuestionKey(metadata: string): QuestionKey {
  return metadataSchema.parse(JSON.parse(metadata));
}

export function renderQuestion(
  key: QuestionKey,
  { prompt, password }: { prompt: string; password: boolean },
): ModalView {
  const asked = prompt.trim().slice(0, 300).toWellFormed();
  return {
    type: 'modal',
    callback_id: questionCallback,
    title: { type: 'plain_text', text: password ? 'Password' : 'Input' },
    submit: { type: 'plain_text', text: 'Send' },
    close: { type: 'plain_text', text: 'Not now' },
    private_metadata: JSON.stringify(key),
    blocks: [
      {
        type: 'input',
        block_id: lineBlock,
        // An empty line is an answer too.
        optional: true,
        label: { type: 'plain_text', text: asked === '' ? 'The code waits for a line' : asked, emoji: false },
        hint: {
          type: 'plain_text',
          text: password
            ? 'It is shown as you type it here. It goes to the kernel only: it is not posted and not kept.'
            : 'It goes to the kernel as one line.',
        },
        element: {
          type: 'plain_text_input',
          action_id: lineBlock,
          max_length: maxLineChars,
          focus_on_load: true,
        },
      },
    ],
  };
}
