import { WebAPIPlatformError } from '@slack/web-api';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../../src/errors.ts';
import { startupError } from '../../../../src/slack/api/call-error.ts';

const platform = (error: string) => new WebAPIPlatformError({ ok: false, error, response_metadata: {} });

test.each(['invalid_auth', 'account_inactive', 'missing_scope'])('%s refuses the token', (said) => {
  const error = startupError(platform(said));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toContain(said);
});

test.each([
  [
    'a page of a proxy',
    platform('<html>\n<h1>Sign in</h1></html>'),
    'no usable answer (<html> <h1>Sign in</h1></html>)',
  ],
  ['a rate limit', platform('ratelimited'), '(ratelimited)'],
  ['a rate limit by its other name', platform('rate_limited'), '(rate_limited)'],
  ['an outage', platform('internal_error'), '(internal_error)'],
  [
    'no answer',
    new Error('fetch failed', { cause: new Error('ENOTFOUND slack.com') }),
    'does not answer (ENOTFOUND slack.com)',
  ],
  [
    'a proxy that refuses',
    new Error('fetch failed', {
      cause: new Error('Request was cancelled.', {
        cause: new Error('Proxy response (407) !== 200 when HTTP Tunneling'),
      }),
    }),
    'does not answer (the proxy answers with status 407)',
  ],
])('%s says nothing about the token, and a later start may succeed', (_what, cause, said) => {
  const error = startupError(cause);
  expect(error).not.toBeInstanceOf(ConfigError);
  expect(error.message).toContain(said);
});
