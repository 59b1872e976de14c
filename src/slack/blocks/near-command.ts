import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { button, buttonRow, escapeMrkdwn, readValue } from './elements.ts';

export const runAsCodeAction = 'near:run';

/** What stood in a command's place, and where it would run: in `thread`, or under a root message of the bot's own. */
const nearSchema = z.object({ text: z.string(), requestKey: z.string(), thread: z.string() });
export type NearCode = z.infer<typeof nearSchema>;

/** "Did you mean restart?", with a button for the case that it was code. */
export function renderNearCommand(meant: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  return askBack(`Did you mean \`${escapeMrkdwn(meant)}\`? Nothing ran.`, code);
}

/** A question (mrkdwn) about what stood in a command's place, with the same button. */
export function askBack(text: string, code: NearCode): { text: string; blocks: KnownBlock[] } {
  const value = JSON.stringify(code);
  const blocks: KnownBlock[] = [{ type: 'section', text: { type: 'mrkdwn', text } }];
  // More than Slack takes in a button's value is no slip of the finger.
  if (value.length <= 2_000) blocks.push(buttonRow(button('Run as code', runAsCodeAction, value)));
  return { text, blocks };
}

export function readNearCode(value: string | undefined): NearCode | undefined {
  return readValue(nearSchema, value);
}
