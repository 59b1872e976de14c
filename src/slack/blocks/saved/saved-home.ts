import type { KnownBlock, SectionBlock } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { button, readValue } from '../elements.ts';
import { header, section } from '../mrkdwn.ts';
import { truncate } from '../truncate.ts';
import { savedLine, writtenIn } from './saved-text.ts';
import { type ListedSchedule, scheduleLine } from './schedule-text.ts';
import { renderScheduleButtons } from './schedule-buttons.ts';

export const runSavedAction = 'saved:run';

const clickSchema = z.object({ channel: z.string(), id: z.string(), shownAt: z.number() });
/** Which snippet, and when the button was shown: a press counts once for each time. */
export type RunSavedClick = z.infer<typeof clickSchema>;

export function readRunSaved(value: string | undefined): RunSavedClick | undefined {
  return readValue(clickSchema, value);
}

/** What is saved and scheduled in the channels of a person, for the home tab; nothing where there is neither. */
export function renderSavedHome(
  { saved, schedules }: { saved: readonly SavedSnippet[]; schedules: readonly ListedSchedule[] },
  workspaceUrl: string,
  now: number,
): KnownBlock[] {
  return [
    ...(saved.length === 0 ? [] : [header('Saved in your channels')]),
    ...saved.map((each): KnownBlock => {
      const value: RunSavedClick = { channel: each.channel, id: each.id, shownAt: now };
      return {
        ...section(`${placeOf(each)} · \`${each.name}\` · ${savedLine(each)}`),
        accessory: button('Run', runSavedAction, JSON.stringify(value)),
      };
    }),
    ...(schedules.length === 0 ? [] : [header('Scheduled in your channels')]),
    ...schedules.flatMap((each) => [
      section(`${placeOf(each.schedule)} · ${scheduleLine(each, workspaceUrl)}`),
      renderScheduleButtons(each.schedule, now),
    ]),
  ];
}

function placeOf({ channel }: { channel: string }): string {
  return channel.startsWith('D') ? 'Your direct messages' : `<#${channel}>`;
}

export const loadAction = 'editor:load';

/** A menu of what is saved, in the editor; none where nothing is. */
export function renderSavedSelect(saved: readonly SavedSnippet[]): SectionBlock[] {
  if (saved.length === 0) return [];
  const options = saved.map((each) => ({
    text: {
      type: 'plain_text' as const,
      text: truncate(`${each.name} (${writtenIn(each)})`, 75),
      emoji: false,
    },
    value: each.id,
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
