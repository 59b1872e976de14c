import { stripVTControlCharacters } from 'node:util';
import type { ModalView } from '@slack/types';
import { z } from 'zod';
import type { RunView } from '../../runs/run-view.ts';
import { literal, renderField, renderModal } from './elements.ts';
import { type BodyElement, fitShorter, isVisible, paragraph, preformatted } from './rich-text.ts';
import { truncateMiddle } from './truncate.ts';

/** The question of the code, and below it who is asked, how and until when; in at most `room` characters of JSON. */
export function renderInputRequest({ phase, requester }: RunView, room: number): BodyElement[] {
  if (phase.kind !== 'inputAsked') return [];
  const { password, untilMs } = phase;
  const asked = paragraph(
    requester.startsWith('B') ? 'The code waits' : { type: 'user', user_id: requester },
    password ? PASSWORD_WORDS : LINE_WORDS,
    {
      type: 'date',
      timestamp: Math.floor(untilMs / 1000),
      format: '{time}',
      fallback: `${new Date(untilMs).toISOString().slice(11, 16)} UTC`,
    },
    '.',
  );
  const prompt = plainPrompt(phase.prompt).trim();
  if (!isVisible(prompt)) return [asked];
  const render = (chars: number): BodyElement[] => [preformatted(truncateMiddle(prompt, chars)), asked];
  return fitShorter(2_000, 40, room, render) ?? [asked];
}

const LINE_WORDS = ': reply with one line in this thread, or press Answer, until ';
/** Everybody could read a reply. */
const PASSWORD_WORDS = ': press Answer and type it there, not in the thread, until ';

/** A prompt without colours and without readline's marks. */
export function plainPrompt(prompt: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it removes
  return stripVTControlCharacters(prompt).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
}

/** The question as plain text, for readers that do not see blocks. */
export function promptWords({ phase }: RunView): string {
  return phase.kind === 'inputAsked' ? plainPrompt(phase.prompt).trim() : '';
}

/** The modal for the line that the kernel waits for. */
export const INPUT_CALLBACK = 'input';
export const LINE_BLOCK = 'line';
/** Nobody types more. */
const MAX_LINE_CHARS = 1_000;

/** A label may have 2,000 characters, but nobody reads so many. */
const MAX_PROMPT_CHARS = 300;

export const inputKeySchema = z.object({ runId: z.string(), requestId: z.string() });

export function renderInputBox(
  key: z.infer<typeof inputKeySchema>,
  { prompt, password }: { prompt: string; password: boolean },
): ModalView {
  const asked = lastWords(plainPrompt(prompt).trim());
  const title = password ? 'Password' : 'Input';
  const head = { callback: INPUT_CALLBACK, title, submit: 'Send', close: 'Not now', metadata: key };
  return renderModal(head, [
    renderField(
      LINE_BLOCK,
      literal(isVisible(asked) ? asked : 'The code waits for a line'),
      { type: 'plain_text_input', max_length: MAX_LINE_CHARS, focus_on_load: true },
      {
        // An empty line is an answer.
        optional: true,
        hint: password
          ? 'It is shown as you type it here. It goes to the kernel only: it is not posted and not kept.'
          : 'It goes to the kernel as one line, which may be empty.',
      },
    ),
  ]);
}

/** The end of a long prompt (a menu): its last lines are the question. */
function lastWords(prompt: string): string {
  if (prompt.length <= MAX_PROMPT_CHARS) return prompt;
  const end = prompt.slice(-MAX_PROMPT_CHARS);
  return end.includes('\n') ? end.slice(end.indexOf('\n') + 1) : truncateMiddle(prompt, MAX_PROMPT_CHARS);
}
