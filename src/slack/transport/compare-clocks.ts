import type { FetchFunction } from '@slack/web-api';
import { renderElapsed } from '../../text.ts';

/** Answers take a while, and nothing depends on less. */
const SAME_MS = 60_000;

/**
 * Calls `onCompared` once, by Slack's first answer: how this machine's clock differs from Slack's; undefined: it does not.
 */
export function compareClocks(
  fetch: FetchFunction,
  onCompared: (difference: string | undefined) => void,
): FetchFunction {
  let isCompared = false;
  return async (url, init) => {
    const answer = await fetch(url, init);
    const aheadMs = Date.now() - Date.parse(answer.headers.get('date') ?? '');
    if (isCompared || Number.isNaN(aheadMs)) return answer;
    isCompared = true;
    onCompared(Math.abs(aheadMs) < SAME_MS ? undefined : differenceWords(aheadMs));
    return answer;
  };
}

function differenceWords(aheadMs: number): string {
  const span = renderElapsed(Math.abs(aheadMs));
  return aheadMs > 0
    ? `This machine’s clock is ${span} ahead of Slack’s: schedules run early; from 5 min on signed requests are refused, and from 15 min on messages count as late.`
    : `This machine’s clock is ${span} behind Slack’s: schedules run late, and messages that Slack brings too late run all the same.`;
}
