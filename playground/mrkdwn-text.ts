/** mrkdwn as plain text. */
import type { World } from './world.ts';

/**
 * Names for mentions, `label (url)` for links, the fallback of dates, characters for entities; stars and backticks
 * stay.
 */
export function mrkdwnAsText(mrkdwn: string, world: World): string {
  return mrkdwn
    .replaceAll(/<([^<>]*)>/g, (_, inside: string) => controlText(inside, world))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function controlText(inside: string, world: World): string {
  const bar = inside.indexOf('|');
  const [target, label] = bar < 0 ? [inside, undefined] : [inside.slice(0, bar), inside.slice(bar + 1)];
  if (target.startsWith('@')) return `@${world.users.get(target.slice(1))?.name ?? label ?? target.slice(1)}`;
  if (target.startsWith('#'))
    return `#${world.channels.get(target.slice(1))?.name ?? label ?? target.slice(1)}`;
  if (target.startsWith('!subteam^'))
    return `@${world.groups.get(target.slice('!subteam^'.length))?.handle ?? label ?? 'group'}`;
  if (target.startsWith('!date^')) return label ?? target;
  if (target.startsWith('!')) return `@${target.slice(1)}`;
  if (label === undefined || target.endsWith(label)) return label ?? target;
  return `${label} (${target})`;
}
