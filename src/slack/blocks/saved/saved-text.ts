import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import type { SavedSnippet } from '../../../saved/saved-snippets.ts';
import { slashCommand } from '../../manifest.ts';
import { button, buttonRow, readValue } from '../elements.ts';
import { escapeMrkdwn, mention, section, slackTime } from '../mrkdwn.ts';
import { firstLine } from '../run-summary.ts';
import { truncateMrkdwn } from '../truncate.ts';

/** What is said of saved snippets. mrkdwn. */

export function savedList(saved: readonly SavedSnippet[]): string {
  if (saved.length === 0)
    return `Nothing is saved in this channel. \`${slashCommand} save daily-report\` keeps the code of your last run here; so does Save in the menu of an answer.`;
  const lines = saved.map((each) => `• \`${each.name}\` · ${savedLine(each)}`);
  return truncateMrkdwn(
    ['*Saved in this channel*', ...lines, `\`${slashCommand} run &lt;name&gt;\` runs one.`].join('\n'),
    12_000,
  );
}

/** `python3, saved by @ana today at 14:02 — sc.range(10)`. */
export function savedLine(saved: SavedSnippet): string {
  return `${escapeMrkdwn(writtenIn(saved))}, ${savedWords(saved)} — ${firstLine({ data: saved })}`;
}

/** `python3`, or `SQL` whatever kernel runs it. */
export function writtenIn({ dialect, kernelspec }: SavedSnippet): string {
  return dialect === undefined ? kernelspec : 'SQL';
}

function savedWords({ savedBy, savedAt }: SavedSnippet): string {
  return `saved by ${mention(savedBy)} ${slackTime(savedAt)}`;
}

export function savedAnswer({ name }: SavedSnippet): string {
  return `Saved as \`${name}\` for this channel. \`${slashCommand} run ${name}\` runs it.`;
}

export function unchangedAnswer(saved: SavedSnippet): string {
  return `\`${saved.name}\` is this code already, ${savedWords(saved)}. Nothing was changed.`;
}

/** `scheduled`: a sentence about the schedules that run it, or ''. */
export function replaceQuestion(taken: SavedSnippet, scheduled: string): string {
  return `\`${taken.name}\` is saved here already: ${savedLine(taken)}${scheduled}\nReplace it? Nothing was changed yet.`;
}

export const replaceAction = 'saved:replace';

const replaceSchema = z.object({ runId: z.string(), name: z.string(), replaces: z.string() });
export type Replacement = z.infer<typeof replaceSchema>;

/** The question with its button, for the one who asked. */
export function renderReplaceQuestion(
  runId: string,
  taken: SavedSnippet,
  scheduled: string,
): { text: string; blocks: KnownBlock[] } {
  const text = replaceQuestion(taken, scheduled);
  const value: Replacement = { runId, name: taken.name, replaces: taken.id };
  return {
    text,
    blocks: [
      section(text),
      buttonRow(button('Replace', replaceAction, JSON.stringify(value), { style: 'danger' })),
    ],
  };
}

export function readReplacement(value: string | undefined): Replacement | undefined {
  return readValue(replaceSchema, value);
}
