import type { Person, PolicySettings } from '../../../../src/slack/auth/policy.ts';

/** A member of the workspace; `more` makes an admin, a guest or another of them. */
export function personOf(id: string, more: Partial<Person> = {}): Person {
  return {
    id,
    ids: [id],
    isWorkspaceAdmin: false,
    isGuest: false,
    isExternal: false,
    isBot: false,
    isUnknown: false,
    ...more,
  };
}

/** Members and people of other workspaces may run code. */
export const POLICY: PolicySettings = {
  admins: [],
  restartBy: 'admins',
  allowedChannels: undefined,
  allowedUsers: undefined,
  allowedBots: [],
  allowGuests: false,
  allowExternal: true,
};
