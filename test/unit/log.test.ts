import { expect, test } from 'vitest';
import { Secrets } from '../../src/log.ts';

test('a secret that is learned later is removed in each form, like those of the settings', () => {
  const secrets = new Secrets(['first-secret']);
  const line = 'first-secret a/b"c=d a%2Fb%22c%3Dd a/b\\"c=d';
  expect(secrets.hideIn(line)).toBe('[secret] a/b"c=d a%2Fb%22c%3Dd a/b\\"c=d');
  secrets.add('a/b"c=d');
  expect(secrets.hideIn(line)).toBe('[secret] [secret] [secret] [secret]');
});

test('of very many learned secrets the newest and those of the settings stay', () => {
  const secrets = new Secrets(['first-secret']);
  for (let token = 1; token <= 1_000; token += 1) secrets.add(`renewed-${token}-`);
  expect(secrets.hideIn('first-secret renewed-1000- renewed-950-')).toBe('[secret] [secret] [secret]');
  expect(secrets.hideIn('renewed-1-')).toBe('renewed-1-');
});
