import { expect, test } from 'vitest';
import { sharedWarning } from '../../../../src/slack/transport/socket-mode.ts';

const hello = { type: 'hello', connection_info: { app_id: 'A1' }, debug_info: { host: 'x' } };

test('other connections of the app are warned of, because a bot on another store has a part of the events', () => {
  expect(sharedWarning(JSON.stringify({ ...hello, num_connections: 3 }))).toMatch(
    /^Slack counts 3 connections of this app.* another store /,
  );
});

test.each([
  ['the only connection', JSON.stringify({ ...hello, num_connections: 1 })],
  ['a hello without a count', JSON.stringify(hello)],
  ['what people write', JSON.stringify({ text: '"num_connections":9' })],
  ['a payload', `{"type":"events_api","num_connections":9,"payload":"${'x'.repeat(2_000)}"}`],
  ['bytes', Buffer.from('"num_connections":9')],
])('%s is nothing to warn of', (_what, data) => {
  expect(sharedWarning(data)).toBeUndefined();
});
