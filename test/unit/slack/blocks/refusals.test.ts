import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
} from '@slack/web-api';
import { expect, test } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { refusalMrkdwn, refusalText } from '../../../../src/slack/blocks/refusals.ts';

test('a gateway that fails on a call is not reported as a wrong address', () => {
  const broke = new GatewayError('badAnswer', 'The gateway failed on the restart of a kernel (status 500)', {
    status: 500,
  });
  expect(refusalText(broke)).toBe(
    'The gateway failed on the restart of a kernel (status 500). Try again; tell an admin if it stays so.',
  );
  const page = new GatewayError('badAnswer', 'Asked for its kernelspecs, it answered with an HTML page', {
    status: 200,
  });
  expect(refusalText(page)).toContain('An admin has to check the gateway’s address');
});

test('a gateway’s refusal is reported in its own words, once', () => {
  const refused = new GatewayError('refused', 'The gateway refused a new kernel (status 403: 9 > 8)', {
    status: 403,
  });
  expect(refusalText(refused)).toBe(
    'The gateway refused a new kernel (status 403: 9 > 8), so nothing was done.',
  );
});

test('missing credentials are reported in a sentence, without the name of a setting', () => {
  const sentence = 'The command for the gateway’s token failed (no end within 30 s)';
  expect(refusalText(new GatewayError('noCredentials', sentence))).toBe(
    `${sentence}, so nothing ran. Tell an admin if it stays so.`,
  );
});

test('a wrong root path is reported as a wrong address', () => {
  const nowhere = new GatewayError('refused', 'The gateway refused its kernelspecs (status 404)', {
    status: 404,
  });
  expect(refusalText(nowhere)).toBe(
    'What answers at the gateway’s address is not a Jupyter gateway (404), so nothing ran. An admin has to check the gateway’s address.',
  );
});

test('that Slack is away is no bug of ours, but a call that it refuses is', () => {
  const away =
    'Slack gives no usable answer, so this could not be done. Try again in a minute; tell an admin if it stays so.';
  for (const error of [
    new WebAPIHTTPError(503, 'Service Unavailable', {}, ''),
    new WebAPIRequestError(new Error('socket hang up')),
    new WebAPIRateLimitedError(30),
    new WebAPIPlatformError({ ok: false, error: 'fatal_error' }),
  ])
    expect(refusalText(error)).toBe(away);
  expect(refusalText(new WebAPIPlatformError({ ok: false, error: 'missing_scope' }))).toBeUndefined();
});

test('names from others are not markup in a message', () => {
  const file = new UserError('unreadableFile', 'The file <!channel> & co.py could not be read.');
  expect(refusalMrkdwn(file)).toBe('The file &lt;!channel&gt; &amp; co.py could not be read.');
  expect(refusalText(file)).toBe('The file <!channel> & co.py could not be read.');
  expect(refusalMrkdwn(new Error('a bug'))).toBeUndefined();
});
