/** Text that Slack reads as markup, made harmless: no mention, no link, no broadcast (slack.md §5). */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
