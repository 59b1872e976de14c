/** Small pieces of mrkdwn of our own making. Everything that came from people or kernels is escaped first. */

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
  return `<!date^${seconds}^{date_short_pretty} {time}|${new Date(atMs).toISOString()}>`;
}

/** `40 s`, `12 min`, `3 h`, `2 d`. */
export function shortSpan(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
