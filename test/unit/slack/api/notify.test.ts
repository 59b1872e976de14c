import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startPlayground } from '../../../../playground/playground.ts';
import { silentLog } from '../../../../src/log.ts';
import { newKernelRecord } from '../../../../src/runs/session/kernel/launch-kernel.ts';
import { createKernelNotices, createNotify } from '../../../../src/slack/api/notify.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Slack, as its client sees it: each call is answered by what `answer` says of it. */
function createSlack(answer: (method: string, channel: string, nth: number) => Response) {
  const calls: string[] = [];
  const texts: (string | null)[] = [];
  const threads: (string | null)[] = [];
  const updates: URLSearchParams[] = [];
  const client = new WebClient('xoxb', {
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    async fetch(url, init) {
      const method = new URL(url).pathname.split('/').at(-1) ?? '';
      const sent = new URLSearchParams(typeof init?.body === 'string' ? init.body : '');
      const channel = sent.get('channel') ?? '';
      texts.push(sent.get('text'));
      threads.push(sent.get('thread_ts'));
      calls.push(`${method} ${channel}`);
      if (method === 'chat.update') updates.push(sent);
      return answer(method, channel, calls.length);
    },
  });
  const notify = createNotify(client, silentLog);
  return { calls, texts, threads, updates, notify, idle: createKernelNotices(client, notify).idle };
}

const ok = (): Response => Response.json({ ok: true, ts: '1.000001' });
const limited = (): Response => new Response('', { status: 429, headers: { 'retry-after': '20' } });

test('a person whose notice Slack rate-limits is told by direct message, with the channel, and nobody else waits for it', async () => {
  const { calls, texts, notify } = createSlack((method, channel) =>
    method === 'chat.postEphemeral' && channel === 'C1' ? limited() : ok(),
  );
  await notify.person({ channel: 'C1', user: 'UGUEST' }, 'refused');
  await notify.person({ channel: 'C2', user: 'UANA' }, 'refused');
  expect(calls).toEqual(['chat.postEphemeral C1', 'chat.postMessage UGUEST', 'chat.postEphemeral C2']);
  expect(texts).toEqual(['refused', 'In <#C1>: refused', 'refused']);
});

test('a direct message that Slack refuses is sent once; one that Slack rate-limits is sent later', async () => {
  const refused = createSlack(() => Response.json({ ok: false, error: 'user_not_found' }));
  await refused.notify.person({ user: 'UANA' }, 'asked');
  expect(refused.calls).toEqual(['chat.postMessage UANA']);

  const { calls, notify } = createSlack((_method, _channel, nth) => (nth < 3 ? limited() : ok()));
  await notify.person({ channel: 'C1', user: 'UANA' }, 'refused');
  expect(calls).toEqual(['chat.postEphemeral C1', 'chat.postMessage UANA']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toHaveLength(3);
});

test('a notice that Slack rate-limits is posted later; the caller does not wait, and it is not tried for ever', async () => {
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

test('the warning of an idle kernel, which loses its button, and its end are posted in the channel outside threads; else the last requester is warned', async () => {
  const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'UANA' };
  const record = newKernelRecord(owner, 'python3');
  const { calls, threads, updates, idle } = createSlack(ok);
  const settle = await idle.warn(record, 600_000);
  await idle.ended(record, 600_000);
  await settle?.(false);
  expect([calls, threads]).toEqual([
    ['chat.postMessage C1', 'chat.postMessage C1', 'chat.update C1'],
    [null, null, null],
  ]);
  // The warning has lost its button.
  expect(updates.map((sent) => sent.get('ts'))).toEqual(['1.000001']);
  expect(updates[0]?.get('blocks')).toContain('will be shut down');
  expect(updates[0]?.get('blocks')).not.toContain('Keep');
  await settle?.(true);
  expect(updates[1]?.get('text')).toBe('The python3 kernel was idle for long, but was used again and stays.');
  const archived = createSlack((_method, channel) =>
    channel === 'C1' ? Response.json({ ok: false, error: 'is_archived' }) : ok(),
  );
  expect(await archived.idle.warn(record, 600_000)).toBeUndefined();
  expect(archived.calls).toEqual(['chat.postMessage C1', 'chat.postMessage UANA']);
  expect(archived.texts[1]).toMatch(/^In <#C1>: Nobody has used the python3 kernel/);
});

test('a warning of which it is not known whether Slack took it rejects', async () => {
  const record = newKernelRecord(
    { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'UANA' },
    'python3',
  );
  const { calls, idle } = createSlack(() => {
    throw new TypeError('fetch failed');
  });
  await expect(idle.warn(record, 600_000)).rejects.toThrow();
  // It was looked for, too.
  expect(calls).toEqual(['chat.postMessage C1', 'conversations.history C1']);
});

test.each([
  ['replyLost', undefined],
  ['dropped', undefined],
  ['replyLost', 'a thread'],
] as const)('a channel is told once where Slack’s answer is %s (in %s)', async (kind, place) => {
  vi.useRealTimers();
  await using playground = await startPlayground({ rates: false });
  const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
  const client = new WebClient(token, { slackApiUrl, retryConfig: { retries: 0 } });
  const { channel, ts } = playground.as('ana').post('#data', 'hello');
  playground.fail('chat.postMessage', { kind });
  const where = { channel, ...(place === undefined ? {} : { thread: ts }) };
  expect(await createNotify(client, silentLog).channel(where, 'restarted')).toBe(true);
  expect(playground.messages(channel).filter(({ text }) => text === 'restarted')).toHaveLength(1);
});

test('a person is told even if the connection broke before Slack got the call', async () => {
  vi.useRealTimers();
  await using playground = await startPlayground({ rates: false });
  const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
  const client = new WebClient(token, { slackApiUrl, retryConfig: { retries: 0 } });
  const notify = createNotify(client, silentLog);
  const { id: user } = playground.user('ana');
  playground.fail('chat.postMessage', { kind: 'dropped' });
  await notify.person({ user }, 'asked');
  playground.fail('chat.postEphemeral', { kind: 'dropped' });
  await notify.person({ channel: playground.channel('#data').id, user }, 'refused');
  expect(playground.messages(playground.dm('ana').id).map(({ text }) => text)).toEqual(['asked']);
  expect(playground.ephemerals('ana').map(({ text }) => text)).toEqual(['refused']);
});
