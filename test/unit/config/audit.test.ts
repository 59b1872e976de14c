import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/errors.ts';
import { LEAST } from '../../support/least-settings.ts';

const read = (AUDIT: string) => readConfig({ ...LEAST, AUDIT });

test.each([
  ['log', { kind: 'log' }],
  ['file:data/audit.ndjson', { kind: 'file', path: 'data/audit.ndjson' }],
  ['file:///var/log/audit.ndjson', { kind: 'file', path: '/var/log/audit.ndjson' }],
  ['https://collector.example/in', { kind: 'url', url: new URL('https://collector.example/in') }],
  ['http://localhost:9000/in', { kind: 'url', url: new URL('http://localhost:9000/in') }],
])('AUDIT=%s', (given, target) => {
  expect(read(given).audit).toEqual({ target, includesCode: false });
});

test.each([
  'syslog',
  'file:',
  'http://collector.example/in',
  'https://',
  'https://ana:100%@collector.example/in',
])('AUDIT=%s is refused, and not repeated', (given) => {
  expect(() => read(given)).toThrow(new ConfigError(['AUDIT must be log, file:path or https://….']));
});

test('the credentials in an address are secrets', () => {
  const token = 'dG9rZW4tb2YtYS1jb2xsZWN0b3I';
  const { secrets } = read(`https://ana:p%40ss@collector.example/services/${token}?key=another-secret-key`);
  expect(secrets).toEqual(
    expect.arrayContaining([
      'p@ss',
      btoa('ana:p@ss'),
      token,
      'another-secret-key',
      '?key=another-secret-key',
    ]),
  );
  expect(secrets).not.toContain('services');
});
