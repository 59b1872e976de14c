import type { KnownBlock, SectionBlock, ModalView } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { SLASH_COMMAND } from '../../manifest.ts';
import {
  buttonRow,
  channelName,
  createValueButton,
  escapeMrkdwn,
  header,
  mention,
  option,
  plainText,
  renderField,
  renderModal,
  section,
  slackTime,
} from '../elements.ts';
import { firstLine } from '../run-summary.ts';
import { truncateMrkdwn } from '../truncate.ts';
import { type ListedSchedule, renderScheduleButtons, scheduleLine } from './schedule-blocks.ts';

/** Texts about saved snippets (mrkdwn), their buttons, menus and modals. */

export function savedList(saved: readonly SavedSnippet[]): string {
  if (saved.length === 0)
    return `Nothing is saved in this channel. \`${SLASH_COMMAND} save daily-report\` keeps the code of your last run here; so does Save in the menu of an answer.`;
  const lines = saved.map((each) => `• \`${each.name}\` · ${savedLine(each)}`);
  return truncateMrkdwn(
    ['*Saved in this channel*', ...lines, `\`${SLASH_COMMAND} run &lt;name&gt;\` runs one.`].join('\n'),
    12_000,
  );
}

/** `python3, saved by @ana today at 14:02 — sc.range(10)`. */
export function savedLine(saved: SavedSnippet): string {
  return `${escapeMrkdwn(writtenIn(saved))}, ${savedWords(saved)} — ${firstLine({ data: saved })}`;
}

/** `python3`; `SQL` on any kernel. */
function writtenIn({ dialect, kernelspec }: SavedSnippet): string {
  return dialect === undefined ? kernelspec : 'SQL';
}

function savedWords({ savedBy, savedAt }: SavedSnippet): string {
  return `saved by ${mention(savedBy)} ${slackTime(savedAt)}`;
}

export function savedAnswer(saved: SavedSnippet, isNew: boolean): string {
  const { name } = saved;
  return isNew
    ? `Saved as \`${name}\` for this channel. \`${SLASH_COMMAND} run ${name}\` runs it.`
    : `\`${name}\` is this code already, ${savedWords(saved)}. Nothing was changed.`;
}

/** `scheduled`: a sentence about the schedules that run it, or ''. */
export function replaceQuestion(taken: SavedSnippet, scheduled: string): string {
  return `\`${taken.name}\` is saved here already: ${savedLine(taken)}${scheduled}\nReplace it? Nothing was changed yet.`;
}

export const replaceButton = createValueButton(
  'saved:replace',
  'Replace',
  z.object({ runId: z.string(), name: z.string(), replaces: z.string() }),
  { style: 'danger' },
);

/** The question with its button. */
export function renderReplaceQuestion(
  runId: string,
  taken: SavedSnippet,
  scheduled: string,
): { text: string; blocks: KnownBlock[] } {
  const text = replaceQuestion(taken, scheduled);
  const replace = replaceButton.render({ runId, name: taken.name, replaces: taken.id });
  return { text, blocks: [section(text), buttonRow(replace)] };
}

/** `shownAt`: when the button was shown, for which a press counts once. */
export const runSavedButton = createValueButton(
  'saved:run',
  'Run',
  z.object({ channel: z.string(), id: z.string(), shownAt: z.number() }),
);

/** What is saved and scheduled in a person's channels, for the home tab. */
export function renderSavedHome(
  {
    saved,
    schedules,
    counts,
  }: {
    saved: readonly SavedSnippet[];
    schedules: readonly ListedSchedule[];
    counts: Readonly<Record<'saved' | 'schedules', number>>;
  },
  workspaceUrl: string,
  now: number,
): KnownBlock[] {
  return [
    ...(saved.length === 0 ? [] : [header('Saved in your channels', saved.length, counts.saved)]),
    ...saved.map((each): KnownBlock => {
      const { channel, id, name } = each;
      return {
        ...section(`${channelName(channel)} · \`${name}\` · ${savedLine(each)}`),
        accessory: runSavedButton.render({ channel, id, shownAt: now }),
      };
    }),
    ...(schedules.length === 0
      ? []
      : [header('Scheduled in your channels', schedules.length, counts.schedules)]),
    ...schedules.flatMap((each) => [
      section(`${channelName(each.schedule.channel)} · ${scheduleLine(each, workspaceUrl)}`),
      renderScheduleButtons(each.schedule, now),
    ]),
  ];
}

export const LOAD_ACTION = 'editor:load';

/** The editor's menu of saved snippets, if there are any. */
export function renderSavedSelect(saved: readonly SavedSnippet[]): SectionBlock[] {
  if (saved.length === 0) return [];
  const options = saved.map((each) => option(`${each.name} (${writtenIn(each)})`, each.id));
  return [
    {
      type: 'section',
      text: plainText('Begin with what is saved here:'),
      accessory: {
        type: 'static_select',
        action_id: LOAD_ACTION,
        placeholder: plainText('Saved snippet'),
        options,
      },
    },
  ];
}

/** The modal for the name under which a run's code is saved. */
export const SAVE_CALLBACK = 'save';
export const NAME_BLOCK = 'name';

export const savePurposeSchema = z.object({
  runId: z.string(),
  /** Absent: the name is typed in the modal. */
  name: z.string().optional(),
  /** The id of the snippet that may be replaced. */
  replaces: z.string().optional(),
});
type SavePurpose = z.infer<typeof savePurposeSchema>;

export function renderSave(runId: string): ModalView {
  const metadata: SavePurpose = { runId };
  return renderModal({ callback: SAVE_CALLBACK, title: 'Save code', submit: 'Save', metadata }, [
    renderField(
      NAME_BLOCK,
      'Name',
      { type: 'plain_text_input', max_length: 40, focus_on_load: true },
      { hint: 'One word. Everyone in this channel can run the code by it, until it is forgotten.' },
    ),
  ]);
}

/** The question whether to replace a saved snippet. */
export function renderReplace(runId: string, taken: SavedSnippet, words: string): ModalView {
  const metadata: SavePurpose = { runId, name: taken.name, replaces: taken.id };
  const head = { callback: SAVE_CALLBACK, title: 'Replace it?', submit: 'Replace', metadata };
  return renderModal(head, [section(words)]);
}
