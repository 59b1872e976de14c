import type { ModalView } from '@slack/types';
import { z } from 'zod';
import { plainPrompt } from '../run/question.ts';
import { truncateMiddle } from '../truncate.ts';
import { renderField, renderModal } from './modal.ts';

/** The box for a line that the kernel waits for. */
export const questionCallback = 'question';
export const lineBlock = 'line';
/** Longer than what anybody types into a box. */
const MAX_LINE_CHARS = 1_000;

/** A label may have 2,000 characters, and nobody reads as many. */
const MAX_PROMPT_CHARS = 300;

const metadataSchema = z.object({ runId: z.string(), questionId: z.string() });
export type QuestionKey = z.infer<typeof metadataSchema>;

export function readQuestionKey(metadata: string): QuestionKey {
  return metadataSchema.parse(JSON.parse(metadata));
}

export function renderQuestion(
  key: QuestionKey,
  { prompt, password }: { prompt: string; password: boolean },
): ModalView {
  const asked = lastWords(plainPrompt(prompt).trim().toWellFormed());
  const title = password ? 'Password' : 'Input';
  const head = { callback: questionCallback, title, submit: 'Send', close: 'Not now', metadata: key };
  return renderModal(head, [
    renderField(
      lineBlock,
      { type: 'plain_text', text: asked === '' ? 'The code waits for a line' : asked, emoji: false },
      { type: 'plain_text_input', max_length: MAX_LINE_CHARS, focus_on_load: true },
      {
        // An empty line is an answer too.
        optional: true,
        hint: password
          ? 'It is shown as you type it here. It goes to the kernel only: it is not posted and not kept.'
          : 'It goes to the kernel as one line, which may be empty.',
      },
    ),
  ]);
}

/** Of a long prompt (a menu) the last lines ask. */
function lastWords(prompt: string): string {
  if (prompt.length <= MAX_PROMPT_CHARS) return prompt;
  const end = prompt.slice(-MAX_PROMPT_CHARS);
  return end.includes('\n') ? end.slice(end.indexOf('\n') + 1) : truncateMiddle(prompt, MAX_PROMPT_CHARS);
}
