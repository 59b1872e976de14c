import type { ModalView, PlainTextOption } from '@slack/types';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';

/** The form of a schedule. */
export const scheduleCallback = 'schedule';
export const snippetBlock = 'snippet';
export const timingBlock = 'timing';
export const valuesBlock = 'values';
export const noticeBlock = 'notice';
export const onlyOnFailure = 'onlyOnFailure';

/** `channel` is where it runs. */
export function renderScheduleForm(channel: string, saved: readonly SavedSnippet[]): ModalView {
  const options = saved.map(({ name }): PlainTextOption => ({
    text: { type: 'plain_text', text: name, emoji: false },
    value: name,
  }));
  return {
    type: 'modal',
    callback_id: scheduleCallback,
    title: { type: 'plain_text', text: 'Schedule' },
    submit: { type: 'plain_text', text: 'Schedule' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: JSON.stringify({ channel }),
    blocks: [
      {
        type: 'input',
        block_id: snippetBlock,
        label: { type: 'plain_text', text: 'Saved snippet' },
        element: { type: 'static_select', action_id: snippetBlock, options },
      },
      {
        type: 'input',
        block_id: timingBlock,
        label: { type: 'plain_text', text: 'When' },
        hint: {
          type: 'plain_text',
          text: 'weekdays 8:00 · daily 7:30 · mondays 9:00 · hourly · every 30 min · or a cron line in quotes: "0 8 * * 1-5". In your time zone.',
        },
        element: {
          type: 'plain_text_input',
          action_id: timingBlock,
          max_length: 200,
          placeholder: { type: 'plain_text', text: 'weekdays 8:00' },
        },
      },
      {
        type: 'input',
        block_id: valuesBlock,
        optional: true,
        label: { type: 'plain_text', text: 'Values' },
        hint: { type: 'plain_text', text: 'n=5 day="2026-01-31" cities=["Bonn", "Ulm"]' },
        element: { type: 'plain_text_input', action_id: valuesBlock, max_length: 3_000 },
      },
      {
        type: 'input',
        block_id: noticeBlock,
        optional: true,
        label: { type: 'plain_text', text: 'The channel is told' },
        element: {
          type: 'checkboxes',
          action_id: noticeBlock,
          options: [{ text: { type: 'plain_text', text: 'only on failure' }, value: onlyOnFailure }],
        },
      },
    ],
  };
}
