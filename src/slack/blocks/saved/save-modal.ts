import type { ModalView } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { renderField, renderModal } from '../modals/modal.ts';
import { section } from '../mrkdwn.ts';

/** The box for the name under which a run's code is saved. */
export const saveCallback = 'save';
export const nameBlock = 'name';

const metadataSchema = z.object({
  runId: z.string(),
  /** Absent: it is typed in the modal. */
  name: z.string().optional(),
  /** The id of the snippet that is asked about: it may go. */
  replaces: z.string().optional(),
});
export type SavePurpose = z.infer<typeof metadataSchema>;

export function readSavePurpose(metadata: string): SavePurpose {
  return metadataSchema.parse(JSON.parse(metadata));
}

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
