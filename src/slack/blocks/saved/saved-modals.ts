import type { ModalView } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { renderField, renderModal } from '../modals/modal.ts';
import { option, plainText, section } from '../elements.ts';

/** The box for the name under which a run's code is saved. */
export const saveCallback = 'save';
export const nameBlock = 'name';

export const savePurposeSchema = z.object({
  runId: z.string(),
  /** Absent: it is typed in the modal. */
  name: z.string().optional(),
  /** The id of the snippet that is asked about: it may go. */
  replaces: z.string().optional(),
});
type SavePurpose = z.infer<typeof savePurposeSchema>;

export function renderSave(runId: string): ModalView {
  const metadata: SavePurpose = { runId };
  return renderModal({ callback: saveCallback, title: 'Save code', submit: 'Save', metadata }, [
    renderField(
      nameBlock,
      'Name',
      { type: 'plain_text_input', max_length: 40, focus_on_load: true },
      { hint: 'One word. Everyone in this channel can run the code by it, until it is forgotten.' },
    ),
  ]);
}

/** Nothing is replaced without a question. */
export function renderReplace(runId: string, taken: SavedSnippet, words: string): ModalView {
  const metadata: SavePurpose = { runId, name: taken.name, replaces: taken.id };
  const head = { callback: saveCallback, title: 'Replace it?', submit: 'Replace', metadata };
  return renderModal(head, [section(words)]);
}

/** The form of a schedule. */
export const scheduleCallback = 'schedule';
export const snippetBlock = 'snippet';
export const timingBlock = 'timing';
export const valuesBlock = 'values';
export const noticeBlock = 'notice';
export const onlyOnFailure = 'onlyOnFailure';

/** Where it runs. */
export const schedulePlaceSchema = z.object({ channel: z.string() });

/** `channel` is where it runs. */
export function renderScheduleForm(channel: string, saved: readonly SavedSnippet[]): ModalView {
  const options = saved.map(({ name }) => option(name, name));
  const head = { callback: scheduleCallback, title: 'Schedule', submit: 'Schedule', metadata: { channel } };
  return renderModal(head, [
    renderField(snippetBlock, 'Saved snippet', { type: 'static_select', options }),
    renderField(
      timingBlock,
      'When',
      { type: 'plain_text_input', max_length: 200, placeholder: plainText('weekdays 8:00') },
      {
        hint: 'weekdays 8:00 · daily 7:30 · mondays 9:00 · hourly · every 30 min · or a cron line in quotes: "0 8 * * 1-5". In your time zone.',
      },
    ),
    renderField(
      valuesBlock,
      'Values',
      { type: 'plain_text_input', max_length: 3_000 },
      { optional: true, hint: 'n=5 day="2026-01-31" cities=["Bonn", "Ulm"]' },
    ),
    renderField(
      noticeBlock,
      'The channel is told',
      { type: 'checkboxes', options: [{ text: plainText('only on failure'), value: onlyOnFailure }] },
      { optional: true },
    ),
  ]);
}
