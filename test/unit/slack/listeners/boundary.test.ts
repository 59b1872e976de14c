import { expect, test } from 'vitest';
import { StoreError, UserError } from '../../../../src/errors.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { withBoundary } from '../../../../src/slack/listeners/boundary.ts';

const storeError = new StoreError('silent', 'no answer');

function createBoundary() {
  const logged: string[] = [];
  const told: string[] = [];
  const left: unknown[] = [];
  const write = (level: string) => (_: unknown, line: string) => void logged.push(`${level}: ${line}`);
  const log = { ...silentLog, error: write('error'), warn: write('warn') } as typeof silentLog;
  const audited: unknown[] = [];
  const audit = {
    record() {},
    refuse: (_: unknown, entry: unknown) => void audited.push(entry),
    close: async () => {},
  };
  const bot = { log, workspace: 'T1', audit };
  const boundary = { what: 'a thing', notify: async (text: string) => void told.push(text) };
  return {
    bot,
    boundary,
    ticket: { leaveUnacknowledged: (why: Error) => void left.push(why) },
    logged,
    told,
    left,
    audited,
  };
}

test.each([
  ['a refusal', new UserError('badCommand', 'Not <so>.'), 'Not &lt;so&gt;.', []],
  ['a bug', new TypeError('x is undefined'), 'Something broke on our side', ['error: a thing broke']],
  ['a silent store', storeError, 'could not be accepted, nothing ran', ['warn: a thing failed']],
  [
    'a gateway that is away',
    new GatewayError('unreachable', 'refused'),
    'gateway cannot be reached',
    ['warn: a thing failed'],
  ],
])('for %s the person is told, and a bug is logged as one', async (_what, error, words, lines) => {
  const { bot, boundary, told, logged } = createBoundary();
  expect(await withBoundary(boundary, bot, () => Promise.reject(error))).toBe(true);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(words);
  expect(logged).toEqual(lines);
});

test('a refusal is in the audit if it is known what was asked for', async () => {
  const { bot, boundary, audited } = createBoundary();
  const refused = new UserError('badCommand', 'No.');
  await withBoundary(boundary, bot, () => Promise.reject(refused));
  expect(audited).toEqual([]);
  await withBoundary({ ...boundary, asked: { audit: 'press', user: 'U1' } }, bot, () =>
    Promise.reject(refused),
  );
  expect(audited).toEqual([
    { event: 'request.refused', audit: 'press', user: 'U1', workspace: 'T1', reason: 'badCommand' },
  ]);
});

test('a modal shows plain text', async () => {
  const { bot, boundary, told } = createBoundary();
  const refused = new UserError('badCommand', 'Not <so>.');
  await withBoundary({ ...boundary, format: 'plain' }, bot, () => Promise.reject(refused));
  expect(told).toEqual(['Not <so>.']);
});

test('an event that the store did not accept is left unacknowledged, and nobody is told', async () => {
  const { bot, boundary, ticket, told, left } = createBoundary();
  expect(await withBoundary({ ...boundary, ticket }, bot, () => Promise.reject(storeError))).toBe(false);
  expect(left).toEqual([storeError]);
  expect(told).toEqual([]);
});

test('an event is left unacknowledged even if the store is silent only while the refusal is told', async () => {
  const { bot, boundary, ticket, left } = createBoundary();
  const notify = () => Promise.reject(storeError);
  const refused = new UserError('badCommand', 'No.');
  expect(await withBoundary({ ...boundary, ticket, notify }, bot, () => Promise.reject(refused))).toBe(false);
  expect(left).toEqual([storeError]);
});

test('a person who cannot be told breaks nothing', async () => {
  const { bot, boundary, logged } = createBoundary();
  const notify = () => Promise.reject(new Error('no such channel'));
  const refused = new UserError('badCommand', 'No.');
  expect(await withBoundary({ ...boundary, notify }, bot, () => Promise.reject(refused))).toBe(true);
  expect(logged).toEqual(['warn: a thing was refused, and the person could not be told']);
});

test('if nobody asked, nobody is told, and success is reported', async () => {
  const { bot, boundary, told } = createBoundary();
  const refused = new UserError('badCommand', 'No.');
  expect(await withBoundary({ what: 'a thing' }, bot, () => Promise.reject(refused))).toBe(true);
  expect(await withBoundary(boundary, bot, () => Promise.resolve())).toBe(true);
  expect(told).toEqual([]);
});
