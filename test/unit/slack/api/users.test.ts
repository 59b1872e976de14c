import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { createUsers, EVENT_LOOKUP_MS } from '../../../../src/slack/api/users.ts';
import { startSlackApi } from './slack-api.ts';

const grid = { id: 'W1', enterprise_id: 'E1', enterprise_name: 'Org', is_admin: false, is_owner: false };

test.each([
  ['of this workspace', { team_id: 'T1' }, false],
  ['of another one', { team_id: 'T2' }, true],
  ['of the same organisation, at home elsewhere, in this workspace too', inTeams('T2', 'T1'), false],
  ['of the same organisation, not in this workspace', inTeams('T2', 'T3'), true],
  ['whom Slack calls a stranger', { ...inTeams('T2', 'T1'), is_stranger: true }, true],
])('a person %s', async (_who, user, isExternal) => {
  await using api = await startSlackApi(() => ({ user: { id: 'W1', is_bot: false, ...user } }));
  const users = createUsers({ client: api.client, workspace: 'T1', groups: [], log: silentLog });
  expect(await users.find('W1')).toMatchObject({ id: 'W1', isExternal, isUnknown: false });
});

test('a deactivated user is recognised, and an answer without a user gives nobody rights', async () => {
  const answers: object[] = [{ user: { id: 'U1', team_id: 'T1', deleted: true } }, {}];
  await using api = await startSlackApi(() => answers.shift() ?? {});
  const users = createUsers({ client: api.client, workspace: 'T1', groups: [], log: silentLog });
  expect(await users.find('U1')).toMatchObject({ isDeactivated: true, isUnknown: false });
  expect(await users.find('U2')).toMatchObject({ isUnknown: true });
});

test('somebody whom Slack does not show to the bot is from elsewhere, and is not told to try again', async () => {
  await using api = await startSlackApi(() => ({ ok: false, error: 'user_not_visible' }));
  const users = createUsers({ client: api.client, workspace: 'T1', groups: [], log: silentLog });
  expect(await users.find('U1')).toMatchObject({ isExternal: true, isUnknown: false });
});

test('many simultaneous requests ask for a user once, and again after a failure', async () => {
  const answers = [{ ok: false, error: 'unknown_method' }, { user: { id: 'U1', team_id: 'T1' } }];
  await using api = await startSlackApi(() => answers.shift());
  const users = createUsers({ client: api.client, workspace: 'T1', groups: [], log: silentLog });
  expect(await users.find('U1')).toMatchObject({ isUnknown: true });
  const both = await Promise.all([users.find('U1'), users.find('U1')]);
  expect(both.map(({ isUnknown }) => isUnknown)).toEqual([false, false]);
  expect(api.calls).toEqual(['users.info', 'users.info']);
});

test('while Slack’s rate does not allow to ask, a user is waited for and asked for once more', async () => {
  const answers: (object | undefined)[] = [undefined, { user: { id: 'U1', team_id: 'T1' } }];
  await using api = await startSlackApi(() => answers.shift());
  const users = createUsers({ client: api.client, workspace: 'T1', groups: [], log: silentLog });
  const [now, later] = await Promise.all([users.find('U1', 1), users.find('U1', EVENT_LOOKUP_MS)]);
  expect([now.isUnknown, later.isUnknown]).toEqual([true, false]);
  expect(api.calls).toEqual(['users.info', 'users.info']);
});

test('a user and a group are asked for once more if Slack reports a problem of its own', async () => {
  const inTrouble = { ok: false, error: 'internal_error' };
  const answers = [inTrouble, inTrouble, { user: { id: 'U1', team_id: 'T1' }, users: ['U1'] }];
  await using api = await startSlackApi(() => (answers.length > 1 ? answers.shift() : answers[0]));
  const users = createUsers({ client: api.client, workspace: 'T1', groups: ['S1'], log: silentLog });
  expect(await users.find('U1')).toMatchObject({ isUnknown: false, ids: ['U1', 'S1'] });
});

test('a group that could not be read is not asked for with each message', async () => {
  await using api = await startSlackApi((method) =>
    method === 'users.info' ? { user: { id: 'U1', team_id: 'T1' } } : undefined,
  );
  const users = createUsers({ client: api.client, workspace: 'T1', groups: ['S1'], log: silentLog });
  for (let message = 0; message < 5; message += 1)
    expect(await users.find('U1')).toMatchObject({ ids: ['U1'], areGroupsUnknown: true });
  expect(api.calls.filter((method) => method === 'usergroups.users.list')).toHaveLength(1);
});

test('a member of a named group has its id', async () => {
  await using api = await startSlackApi((method) =>
    method === 'users.info' ? { user: { id: 'U1', team_id: 'T1' } } : { users: ['U1'] },
  );
  const users = createUsers({ client: api.client, workspace: 'T1', groups: ['S1'], log: silentLog });
  expect(await users.find('U1')).toMatchObject({ ids: ['U1', 'S1'], areGroupsUnknown: false });
});

/** As `users.info` shows somebody of an Enterprise Grid. */
function inTeams(home: string, ...teams: string[]) {
  return { team_id: home, enterprise_user: { ...grid, teams: [home, ...teams] } };
}
