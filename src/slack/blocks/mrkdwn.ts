import type { HeaderBlock, SectionBlock } from '@slack/types';
import { truncateMrkdwn } from './truncate.ts';

/** Small pieces of mrkdwn of our own making. Everything that came from people or kernels is escaped first. */

/** Text that Slack reads as markup, made harmless: no mention, no link, no broadcast (slack.md §5). */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A bot that has no user (B…) cannot be mentioned. */
export function mention(userId: string): string {
  return userId.startsWith('B') ? `bot ${userId}` : `<@${userId}>`;
}

/** A time in the reader's own zone. `atMs`: ms since the epoch. */
export function slackTime(atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `<!date^${seconds}^{date_short_pretty} at {time}|${new Date(atMs).toISOString()}>`;
}

/** A block holds 3,000 characters. */
export function section(text: string): SectionBlock {
  return { type: 'section', text: { type: 'mrkdwn', text: truncateMrkdwn(text, 3_000) } };
}

/** A line in large letters, without markup. */
export function header(text: string): HeaderBlock {
  return { type: 'header', text: { type: 'plain_text', text } };
}
