import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { startChannels } from '../../../../src/slack/api/conversations.ts';

test.each([
  ['a channel it is in', { id: 'C1', is_member: true }, true],
  ['a channel it is not in', { id: 'C1', is_member: false }, false],
  ['an archived channel', { id: 'C1', is_member: true, is_archived: true }, false],
  ['a direct message', { id: 'D1', is_im: true, user: 'U1' }, true],
  ['a group message, of which Slack does not say that the bot is in it', { id: 'G1', is_mpim: true }, true],
])('the bot can post its answer: %s', async (_what, channel, isIn) => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok: true, channel }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new WebClient('xoxb-1', { slackApiUrl: `http://127.0.0.1:${port}/api/` });
  const asked = startChannels(client, silentLog).mustBeMember(channel.id);
  if (isIn) await expect(asked).resolves.toBeUndefined();
  else await expect(asked).rejects.toThrow('Sparkthread is not in this channel');
  server.close();
  server.closeAllConnections();
});
