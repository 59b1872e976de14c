import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { button, buttonRow, escapeMrkdwn, section, valueReader } from './elements.ts';

/** Questions to whoever wrote a message, each with a button that runs it after all. */

export const runAsCodeAction = 'near:run';

/** What stood in a command's place, and where it would run: in `thread`, or under a root message of the bot's own. */
const nearSchema = z.object({ text: z.string(), requestKey: z.string(), thread: z.string() });
export type NearCode = z.infer<typeof nearSchema>;
export const readNearCode = valueReader(nearSchema);

/** "Did you mean restart?", with a button for the case that it was code. */
export function renderNearCommand(meant: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  return askBack(`Did you mean \`${escapeMrkdwn(meant)}\`? Nothing ran.`, code);
}

/** A question (mrkdwn) about what stood in a command's place, with the same button. */
export function askBack(text: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  const value = JSON.stringify(code);
  const blocks: KnownBlock[] = [section(text)];
  // More than Slack takes in a button's value is no slip of the finger.
  if (value.length <= 2_000) blocks.push(buttonRow(button('Run as code', runAsCodeAction, value)));
  return { text, blocks };
}

export const runNowAction = 'late:run';

/** What a message that came late is told (mrkdwn), with a button. It began `thread`, where it stands in none. */
export function renderRunNow(text: string, { ts, thread = ts }: MessagePlace): KnownBlock[] {
  return [section(text), buttonRow(button('Run now', runNowAction, `${thread}|${ts}`))];
}

interface MessagePlace {
  ts: string;
  thread?: string | undefined;
}

/** Which message is meant, and its thread. */
export function readRunNow(value: string): { thread: string; ts: string } | undefined {
  const [, thread, ts] = /^([\d.]+)\|([\d.]+)$/.exec(value) ?? [];
  return thread === undefined || ts === undefined ? undefined : { thread, ts };
}
