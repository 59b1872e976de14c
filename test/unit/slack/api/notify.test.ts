import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { createNotify } from '../../../../src/slack/api/notify.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Slack, as its client sees it: each call is answered by what `answer` says of it. */
function createSlack(answer: (method: string, channel: string, nth: number) => Response) {
  const calls: string[] = [];
  const client = new WebClient('xoxb', {
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    async fetch(url, init) {
      const method = new URL(url).pathname.split('/').at(-1) ?? '';
      const channel =
        new URLSearchParams(typeof init?.body === 'string' ? init.body : '').get('channel') ?? '';
      calls.push(`${method} ${channel}`);
      return answer(method, channel, calls.length);
    },
  });
  return { calls, notify: createNotify(client, silentLog) };
}

const ok = (): Response => Response.json({ ok: true });
const limited = (): Response => new Response('', { status: 429, headers: { 'retry-after': '20' } });

test('a person whom Slack’s rates keep from hearing is told directly, and nobody else waits for it', async () => {
  const { calls, notify } = createSlack((method, channel) =>
    method === 'chat.postEphemeral' && channel === 'C1' ? limited() : ok(),
  );
  await notify.person({ channel: 'C1', user: 'UGUEST' }, 'refused');
  await notify.person({ channel: 'C2', user: 'UANA' }, 'refused');
  expect(calls).toEqual(['chat.postEphemeral C1', 'chat.postMessage UGUEST', 'chat.postEphemeral C2']);
});

test('a channel is told when Slack takes it again; who asked does not wait, and it is not tried for ever', async () => {
  const { calls, notify } = createSlack((_method, _channel, nth) => (nth < 3 ? limited() : ok()));
  await notify.channel({ channel: 'C1' }, 'restarted');
  expect(calls).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toHaveLength(3);

  const never = createSlack(limited);
  await never.notify.channel({ channel: 'C1' }, 'restarted');
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(never.calls).toHaveLength(5);
});
