import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { listen } from '../../../src/server/health.ts';

test('a connection that says nothing does not hold up the end', async () => {
  const answer = () => undefined;
  const server = await listen({ setting: 'PORT', host: '127.0.0.1', port: 0, answer });
  const silent = connect(server.port, '127.0.0.1');
  await once(silent, 'connect');
  const asking = connect(server.port, '127.0.0.1');
  asking.write('POST /slack/events HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\n\r\n{');
  for (const socket of [silent, asking]) socket.on('error', () => undefined);
  await once(asking, 'ready');
  const gone = Promise.all([once(silent, 'close'), once(asking, 'close')]);
  await server.close();
  await gone;
  expect([silent.destroyed, asking.destroyed]).toEqual([true, true]);
});
