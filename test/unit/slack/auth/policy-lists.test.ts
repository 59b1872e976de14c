import { expect, test } from 'vitest';
import { type Person, type PolicySettings, refuse } from '../../../../src/slack/auth/policy.ts';

const settings: PolicySettings = {
  admins: [],
  restartBy: 'admins',
  allowedChannels: ['C1'],
  allowedUsers: undefined,
  allowedBots: ['B1'],
  allowGuests: false,
  allowExternal: false,
};
const member: Person = {
  id: 'U1',
  isWorkspaceAdmin: false,
  isGuest: false,
  isExternal: false,
  isBot: false,
  isUnknown: false,
  ids: ['U1'],
};

test.each([
  ['a member', member],
  ['an admin', { ...member, isWorkspaceAdmin: true }],
  ['a bot of ALLOWED_BOTS', { ...member, isBot: true, ids: ['U1', 'B1'] }],
])('%s may run code only in ALLOWED_CHANNELS', (_who, person) => {
  expect(refuse('run', person, 'C1', settings)).toBeUndefined();
  expect(refuse('run', person, 'C2', settings)).toContain('may not be used in this channel');
});

test('only admins are told the name of a setting', () => {
  const admin = { ...member, isWorkspaceAdmin: true };
  expect(refuse('run', admin, 'C2', settings)).toContain('(ALLOWED_CHANNELS)');
  expect(refuse('run', member, 'C2', settings)).not.toContain('ALLOWED');
});

test('a person who may be on a list by a group that Slack did not list is not told that they are on no list', () => {
  const unread = { ...member, areGroupsUnknown: true };
  const groups = { ...settings, admins: ['S1'], allowedUsers: ['U1', 'S1'] };
  expect(refuse('restart', unread, 'C1', groups)).toContain('did not say which user groups');
  expect(refuse('run', unread, 'C1', groups)).toBeUndefined();
  expect(refuse('run', { ...unread, ids: ['U2'] }, 'C1', groups)).toContain('did not say which user groups');
  expect(refuse('restart', unread, 'C1', settings)).toContain('Only admins');
});

test('a deactivated account may do nothing, admin or not', () => {
  const gone = { ...member, isWorkspaceAdmin: true, isDeactivated: true };
  expect(refuse('run', gone, 'C1', settings)).toContain('deactivated');
  expect(refuse('look', gone, undefined, settings)).toContain('deactivated');
});
