import { expect, test } from 'vitest';
import { RenewingCredentials } from '../../../../src/gateway/auth/credentials.ts';
import type { TokenSource } from '../../../../src/gateway/auth/token-source.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { silentLog } from '../../../../src/log.ts';

/** Credentials on a clock and a source of the test's own. */
function startCredentials(options: { lifeMs?: number; isChanged?: () => boolean } = {}) {
  const rig = {
    now: Date.parse('2026-11-29T04:00:00Z'),
    reads: 0,
    /** What the next reads wait for; what it throws is theirs. */
    held: async (): Promise<void> => {},
    text: undefined as string | undefined,
    secrets: [] as string[],
  };
  const source: TokenSource = {
    name: 'The source',
    async read() {
      rig.reads += 1;
      const token = `token-${rig.reads}`;
      await rig.held();
      const end = options.lifeMs === undefined ? {} : { expiresAt: rig.now + options.lifeMs };
      return rig.text ?? JSON.stringify({ token, ...end });
    },
    ...(options.isChanged === undefined ? {} : { isChanged: async () => options.isChanged?.() === true }),
  };
  const credentials = new RenewingCredentials(
    { place: { kind: 'file', path: '' }, scheme: 'Bearer', header: 'Authorization' },
    { log: silentLog, onSecret: (secret) => rig.secrets.push(secret), now: () => rig.now, source },
  );
  const value = async () => (await credentials.headers())['authorization'];
  return { ...rig, rig, credentials, value };
}

test('one read serves all callers until the token is about to expire', async () => {
  const { rig, value } = startCredentials({ lifeMs: 3_600_000 });
  expect(await Promise.all([value(), value(), value()])).toEqual(Array(3).fill('Bearer token-1'));
  rig.now += 3_600_000 - 60_001;
  expect(await value()).toBe('Bearer token-1');
  expect(rig.reads).toBe(1);
});

test('a minute before the expiry a new token is fetched once, while requests use the old one', async () => {
  const { rig, value } = startCredentials({ lifeMs: 3_600_000 });
  await value();
  const fetched = Promise.withResolvers<void>();
  rig.held = () => fetched.promise;
  rig.now += 3_600_000 - 59_000;
  expect(await Promise.all([value(), value()])).toEqual(['Bearer token-1', 'Bearer token-1']);
  expect(rig.reads).toBe(2);
  fetched.resolve();
  await expect.poll(value).toBe('Bearer token-2');
});

test('a token of 4 s is renewed in its last quarter; after its expiry the new one is waited for', async () => {
  const { rig, value } = startCredentials({ lifeMs: 4_000 });
  await value();
  rig.now += 2_999;
  expect(await value()).toBe('Bearer token-1');
  expect(rig.reads).toBe(1);
  rig.now += 1_001;
  expect(await value()).toBe('Bearer token-2');
});

test('a token without an expiry is used for five minutes, and longer if there is no other', async () => {
  const { rig, value } = startCredentials();
  await value();
  rig.now += 300_001;
  rig.held = () => Promise.reject(new GatewayError('noCredentials', 'The source failed'));
  expect(await value()).toBe('Bearer token-1');
  rig.held = async () => {};
  rig.now += 1_001;
  expect(await value()).toBe('Bearer token-3');
});

test('if the source fails, the last token is used until it expires, then its error; it is read at most once a second', async () => {
  const { rig, value } = startCredentials({ lifeMs: 100_000 });
  await value();
  rig.held = () => Promise.reject(new GatewayError('noCredentials', 'The source failed (exit code 1)'));
  rig.now += 99_999;
  expect(await value()).toBe('Bearer token-1');
  rig.now += 1;
  const failed = { code: 'noCredentials', message: 'The source failed (exit code 1)' };
  await expect(value()).rejects.toMatchObject(failed);
  await expect(value()).rejects.toMatchObject(failed);
  expect(rig.reads).toBe(2);
  rig.held = async () => {};
  rig.now += 1_000;
  expect(await value()).toBe('Bearer token-3');
});

test.for([
  [' \n', 'The source gave nothing'],
  ['please log in first', 'The source gave neither a token nor JSON with one'],
])('%j is no token', async ([text, message]) => {
  const { rig, value } = startCredentials();
  rig.text = text;
  await expect(value()).rejects.toMatchObject({ code: 'noCredentials', message });
});

test('tokens that are expired on arrival do not make the source run for each request', async () => {
  const { rig, value } = startCredentials({ lifeMs: -5_000 });
  await value();
  await value();
  expect(rig.reads).toBe(1);
});

test('refused: one new token for all callers that were refused with the old one', async () => {
  const { rig, credentials } = startCredentials({ lifeMs: 3_600_000 });
  const refused = { ...(await credentials.headers()), 'x-more': 'own' };
  rig.now += 2_000;
  expect(await Promise.all([credentials.renew(refused), credentials.renew(refused)])).toEqual([true, true]);
  expect(await credentials.renew(refused)).toBe(true);
  expect(rig.reads).toBe(2);
});

test('refused: no repeat with the same token or with one fetched a moment ago; the failure if there is none', async () => {
  const { rig, credentials } = startCredentials();
  rig.text = 'always-the-same';
  expect(await credentials.renew(await credentials.headers())).toBe(false);
  expect(rig.reads).toBe(1);
  rig.now += 2_000;
  expect(await credentials.renew(await credentials.headers())).toBe(false);
  expect(rig.reads).toBe(2);
  rig.now += 2_000;
  rig.held = () => Promise.reject(new GatewayError('noCredentials', 'The source failed'));
  const refused = await credentials.headers();
  await expect(credentials.renew(refused)).rejects.toMatchObject({ message: 'The source failed' });
});

test('a clock that is set back delays no read of the source', async () => {
  const { rig, credentials, value } = startCredentials();
  const refused = await credentials.headers();
  rig.now -= 3_600_000;
  expect(await credentials.renew(refused)).toBe(true);
  const other = startCredentials();
  other.rig.held = () => Promise.reject(new GatewayError('noCredentials', 'The source failed'));
  await expect(other.value()).rejects.toMatchObject({ code: 'noCredentials' });
  other.rig.now -= 3_600_000;
  other.rig.held = async () => {};
  expect([await value(), await other.value()]).toEqual(['Bearer token-2', 'Bearer token-2']);
});

test('a source that reports a change is read again at once', async () => {
  let isChanged = false;
  const { rig, value } = startCredentials({ isChanged: () => isChanged });
  await value();
  await value();
  expect(rig.reads).toBe(1);
  isChanged = true;
  expect(await value()).toBe('Bearer token-2');
});

test('each token is reported as a secret before its use; facts contain only its length and expiry', async () => {
  const { rig, credentials } = startCredentials({ lifeMs: 60_000 });
  expect(await credentials.facts()).toEqual({ characters: 7, endsMs: rig.now + 60_000 });
  expect(rig.secrets).toEqual(['token-1']);
  rig.text = '{"token":"abc","headers":{"Cookie":"_xsrf=XSRF"}}';
  rig.now += 60_001;
  expect(await credentials.headers()).toEqual({ authorization: 'Bearer abc', cookie: '_xsrf=XSRF' });
  expect(rig.secrets).toEqual(['token-1', 'abc', '_xsrf=XSRF']);
});

test('a token that a slow command returns shortly before its expiry is renewed when it is refused', async () => {
  const { rig, credentials } = startCredentials({ lifeMs: 400 });
  const refused = await credentials.headers();
  rig.now += 300;
  expect(await credentials.renew(refused)).toBe(false);
  rig.now += 200;
  expect(await credentials.renew(refused)).toBe(true);
  expect(rig.reads).toBe(2);
});

test('a source with expired tokens is not read for each request', async () => {
  const { rig, credentials } = startCredentials({ lifeMs: -1_000 });
  const refused = await credentials.headers();
  rig.now += 500;
  expect(await credentials.renew(refused)).toBe(false);
  expect(rig.reads).toBe(1);
});
