import type { ModalView } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
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
  return {
    type: 'modal',
    callback_id: saveCallback,
    title: { type: 'plain_text', text: 'Save code' },
    submit: { type: 'plain_text', text: 'Save' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: JSON.stringify({ runId } satisfies SavePurpose),
    blocks: [
      {
        type: 'input',
        block_id: nameBlock,
        label: { type: 'plain_text', text: 'Name' },
        hint: {
          type: 'plain_text',
          text: 'One word. Everyone in this channel can run the code by it, until it is forgotten.',
        },
        element: {
          type: 'plain_text_input',
          action_id: nameBlock,
          max_length: 40,
          focus_on_load: true,
        },
      },
    ],
  };
}

/** Nothing is replaced without a question. */
export function renderReplace(runId: string, taken: SavedSnippet, words: string): ModalView {
  const purpose: SavePurpose = { runId, name: taken.name, replaces: taken.id };
  return {
    type: 'modal',
    callback_id: saveCallback,
    title: { type: 'plain_text', text: 'Replace it?' },
    submit: { type: 'plain_text', text: 'Replace' },
    close: { type: 'plain_text', text: 'Cancel' },
    private_metadata: JSON.stringify(purpose),
    blocks: [section(words)],
  };
}
