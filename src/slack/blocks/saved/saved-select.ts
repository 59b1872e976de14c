import type { SectionBlock } from '@slack/types';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { truncate } from '../truncate.ts';

export const loadAction = 'editor:load';

/** A menu of what is saved, in the editor; none where nothing is. */
export function renderSavedSelect(saved: readonly SavedSnippet[]): SectionBlock[] {
  if (saved.length === 0) return [];
  const options = saved.map(({ id, name, kernelspec }) => ({
    text: { type: 'plain_text' as const, text: truncate(`${name} (${kernelspec})`, 75), emoji: false },
    value: id,
  }));
  return [
    {
      type: 'section',
      text: { type: 'plain_text', text: 'Begin with what is saved here:' },
      accessory: {
        type: 'static_select',
        action_id: loadAction,
        placeholder: { type: 'plain_text', text: 'Saved snippet' },
        options,
      },
    },
  ];
}
