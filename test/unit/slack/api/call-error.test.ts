import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import { expect, test, vi } from 'vitest';
import { readCallError, withRetries } from '../../../../src/slack/api/call-error.ts';

const platform = (error: string) => new WebAPIPlatformError({ ok: false, error, response_metadata: {} });

test.each([
  ['msg_too_long', 'tooLong'],
  ['msg_blocks_too_long', 'tooLong'],
  ['invalid_blocks', 'tooLong'],
  ['message_not_found', 'messageGone'],
  ['channel_not_found', 'notFound'],
  ['file_deleted', 'notFound'],
  ['token_revoked', 'token'],
  ['not_authed', 'token'],
  ['is_archived', 'other'],
  ['not_in_channel', 'other'],
  ['thread_locked', 'other'],
  ['restricted_action', 'other'],
  ['restricted_action_read_only_channel', 'other'],
  ['restricted_action_thread_only_channel', 'other'],
  ['toString', 'other'],
  ['something_new', 'other'],
])('%s is a refusal: %s', (code, refusal) => {
  const lower = code.toLowerCase();
  expect(readCallError(platform(lower))).toEqual({ kind: 'refused', code: lower, refusal, reasons: [] });
});

test.each([
  ['a rate limit', new WebAPIRateLimitedError(3), { kind: 'rateLimited', waitMs: 3000 }],
  ['one that is told as an error', platform('ratelimited'), { kind: 'rateLimited', waitMs: 1000 }],
  ['one without a time', new Error('Retry header did not contain a valid timeout'), { kind: 'rateLimited' }],
  ['Slack in trouble', platform('internal_error'), { kind: 'unclear', reason: 'internal_error' }],
  ['an edit that failed inside Slack', platform('update_failed'), { kind: 'unclear' }],
  ['a workspace that moves just now', platform('org_login_required'), { kind: 'unclear' }],
  ['a channel that moves just now', platform('external_channel_migrating'), { kind: 'unclear' }],
  ['a page that is no JSON', platform('<html>Bad Gateway</html>'), { kind: 'unclear' }],
  ['HTTP 502', new WebAPIHTTPError(502, 'Bad Gateway', {}, ''), { kind: 'unclear', reason: 'HTTP 502' }],
  [
    'a file that is gone',
    Object.assign(new Error('/a/b'), { path: '/a/b', code: 'ENOENT' }),
    { reason: 'ENOENT' },
  ],
  ['anything else', new Error('socket hang up'), { kind: 'unclear', reason: 'socket hang up' }],
])('%s', (_, error, read) => {
  expect(readCallError(error)).toMatchObject(read);
});

test('a call that waits for its next try does not keep the process alive', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const call = vi.fn(async () => await Promise.reject(new Error('Slack is away')));
  withRetries(call).catch(() => undefined);
  await nextTurn();
  expect(call).toHaveBeenCalledTimes(1);
  expect(timers()).toBe(before);
});
