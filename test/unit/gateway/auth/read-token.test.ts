import { expect, test, vi } from 'vitest';
import { readToken } from '../../../../src/gateway/auth/token-source.ts';

const AT = '2026-11-29T04:00:00Z';
const atMs = Date.parse(AT);
const jwt = `e30.${Buffer.from(JSON.stringify({ exp: atMs / 1000 })).toString('base64url')}.c2ln`;

test.for([
  ['a bare token', 'abc.def\n', 'abc.def', undefined],
  ['a JSON text', '"abc"', 'abc', undefined],
  ['ours', `{"token":"abc","expiresAt":"${AT}"}`, 'abc', atMs],
  ['seconds', `{"token":"abc","expiresAt":${atMs / 1000}}`, 'abc', atMs],
  ['milliseconds as a text', `{"token":"abc","expiresAt":"${atMs}"}`, 'abc', atMs],
  ['an end that cannot be read', '{"token":"abc","expiresAt":"soon"}', 'abc', undefined],
  [
    'gcloud',
    `{"credential":{"access_token":"abc","id_token":"x","token_expiry":"${AT}"},"sentinels":{}}`,
    'abc',
    atMs,
  ],
  ['AWS', `{"id":"1","credentials":{"token":"abc"},"expiresAt":"${AT}"}`, 'abc', atMs],
  ['AWS, the end inside', `{"credentials":{"token":"abc","expiresAt":${atMs / 1000}}}`, 'abc', atMs],
  ['a JSON Web Token tells its end', jwt, jwt, atMs],
  ['the same in JSON', JSON.stringify({ token: jwt }), jwt, atMs],
  ['three parts that are none', 'a.b.c', 'a.b.c', undefined],
] as const)('%s', ([, text, token, endsMs]) => {
  expect(readToken(text)).toEqual({ token, headers: {}, endsMs });
});

test.for([3600, '3600'])('an OAuth token endpoint’s answer, which expires in %j seconds', (seconds) => {
  vi.useFakeTimers({ now: atMs, toFake: ['Date'] });
  const text = JSON.stringify({ access_token: 'abc', token_type: 'Bearer', expires_in: seconds });
  expect(readToken(text)).toEqual({ token: 'abc', headers: {}, endsMs: atMs + 3_600_000 });
  vi.useRealTimers();
});

test('headers with a token, or alone; names in lower case', () => {
  expect(readToken('{"token":"abc","headers":{"X-XSRFToken":"x"}}')).toMatchObject({
    token: 'abc',
    headers: { 'x-xsrftoken': 'x' },
  });
  expect(readToken('{"headers":{"Authorization":"Negotiate abc"}}')).toMatchObject({
    token: undefined,
    headers: { authorization: 'Negotiate abc' },
  });
});

test.for([
  ['two lines', 'Updated property.\nabc'],
  ['a sentence', 'no credentials found'],
  ['an empty object', '{}'],
  ['an array', '["abc"]'],
  ['broken JSON', '{"token":'],
  ['a token with a line end inside', '{"token":"a\\nb"}'],
  ['a header that none can carry', '{"headers":{"X-A":"a\\r\\nb"}}'],
  ['an HTML page', '<html>log in</html>\n<p>'],
] as const)('no token: %s', ([, text]) => {
  expect(readToken(text)).toBeUndefined();
});
