import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { startPeople } from '../../../../src/slack/api/users.ts';

const grid = { id: 'W1', enterprise_id: 'E1', enterprise_name: 'Org', is_admin: false, is_owner: false };

test.each([
  ['of this workspace', { team_id: 'T1' }, false],
  ['of another one', { team_id: 'T2' }, true],
  ['of the same organisation, at home elsewhere, in this workspace too', inTeams('T2', 'T1'), false],
  ['of the same organisation, not in this workspace', inTeams('T2', 'T3'), true],
  ['whom Slack calls a stranger', { ...inTeams('T2', 'T1'), is_stranger: true }, true],
])('a person %s', async (_who, user, isExternal) => {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ ok: true, user: { id: 'W1', is_bot: false, ...user } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new WebClient('xoxb-1', { slackApiUrl: `http://127.0.0.1:${port}/api/` });
  const people = startPeople({ client, workspace: 'T1', groups: [], log: silentLog });
  expect(await people.find('W1')).toMatchObject({ id: 'W1', isExternal, isUnknown: false });
  server.close();
  server.closeAllConnections();
});

/** As `users.info` shows somebody of an Enterprise Grid. */
function inTeams(home: string, ...teams: string[]) {
  return { team_id: home, enterprise_user: { ...grid, teams: [home, ...teams] } };
}
