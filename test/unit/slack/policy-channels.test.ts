import { expect, test } from 'vitest';
import { type Person, type PolicySettings, refuse } from '../../../src/slack/policy.ts';

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
  expect(refuse('run', person, 'C2', settings)).toContain('ALLOWED_CHANNELS');
});
