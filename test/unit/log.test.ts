import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, StoreError, UserError } from '../../src/errors.ts';
import { GatewayError } from '../../src/gateway/errors.ts';
import { Secrets, showError } from '../../src/log.ts';

test('an error that a person acts on is shown without its stack and its cause, and any other with them', () => {
  const cause = new Error('connect ECONNREFUSED');
  const gateway = new GatewayError('unreachable', 'The gateway gives no answer', { cause, status: 502 });
  expect(showError(gateway)).toMatchObject({ message: gateway.message, code: 'unreachable', status: 502 });
  const full = new StoreError('refused', 'SQLite: database or disk is full', cause);
  expect(showError(full)).toMatchObject({ type: 'StoreError', message: full.message, code: 'refused' });
  const shown = [gateway, full, new UserError('late', 'Too late'), new ConfigError(['Wrong'])].map(showError);
  expect(JSON.stringify(shown)).not.toMatch(/"stack"|ECONNREFUSED| at /);
  expect(showError(new TypeError('a mistake', { cause }))).toMatchObject({
    message: 'a mistake: connect ECONNREFUSED',
    stack: expect.stringContaining('log.test.ts'),
  });
  expect([null, undefined, 'a word', { a: 1 }].map(showError)).toEqual([null, undefined, 'a word', { a: 1 }]);
});

test('a mistake of ours and data of a wrong form are shown behind a classified error, with the stack', () => {
  const stack = expect.stringContaining('log.test.ts');
  const mistake = new GatewayError('unreachable', 'Given up by us', { cause: new TypeError('a mistake') });
  expect(showError(mistake)).toMatchObject({ message: 'Given up by us: a mistake', stack });
  const { error } = z.object({ thread: z.string() }).safeParse({ thread: 1 });
  const unread = new StoreError('refused', 'A stored run cannot be read.', error);
  expect(showError(unread)).toMatchObject({ message: expect.stringContaining('"thread"'), stack });
});

test('a secret that is learned later is removed in each form, like those of the settings', () => {
  const secrets = new Secrets(['first-secret']);
  const line = 'first-secret a/b"c=!d a%2Fb%22c%3D!d a%2Fb%22c%3D%21d a/b\\"c=!d';
  expect(secrets.hideIn(line)).toBe('[secret] a/b"c=!d a%2Fb%22c%3D!d a%2Fb%22c%3D%21d a/b\\"c=!d');
  secrets.add('a/b"c=!d');
  expect(secrets.hideIn(line)).toBe('[secret] [secret] [secret] [secret] [secret]');
});

test('of very many learned secrets the newest and those of the settings stay', () => {
  const secrets = new Secrets(['first-secret']);
  for (let token = 1; token <= 1_000; token += 1) secrets.add(`renewed-${token}-`);
  expect(secrets.hideIn('first-secret renewed-1000- renewed-950-')).toBe('[secret] [secret] [secret]');
  expect(secrets.hideIn('renewed-1-')).toBe('renewed-1-');
});
