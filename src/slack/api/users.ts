import type { UsersInfoResponse, WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { inTime } from './with-timeout.ts';
import type { Person } from '../auth/policy.ts';

/** How long Slack's word about a person counts (users.info is tier 4, usergroups tier 2). */
const PERSON_MS = 60_000;
const GROUP_MS = 5 * 60_000;

export interface People {
  /** Facts about a user; never rejects: somebody who cannot be looked up in time is unknown, and has no rights. */
  find(userId: string): Promise<Person>;
}

export interface PeopleOptions {
  client: WebClient;
  /** Our workspace, as auth.test says. */
  workspace: string;
  groups: readonly string[];
  log: Log;
  now?: () => number;
}

/** Somebody of whom Slack says nothing. */
const nobody = {
  isWorkspaceAdmin: false,
  isGuest: false,
  isExternal: false,
  isBot: false,
  isUnknown: false,
};

/** Looks people up in Slack and remembers them briefly. */
export function startPeople(options: PeopleOptions): People {
  const { client, workspace, groups, log, now = Date.now } = options;
  const person = remembered(PERSON_MS, now, async (userId) => {
    // users.info does not know the bots of incoming webhooks.
    if (userId.startsWith('B')) return { ...nobody, id: userId, isBot: true };
    const { user } = await client.users.info({ user: userId });
    return {
      id: userId,
      isWorkspaceAdmin: user?.is_admin === true || user?.is_owner === true || user?.is_primary_owner === true,
      isGuest: user?.is_restricted === true || user?.is_ultra_restricted === true,
      isExternal: user?.is_stranger === true || !isOf(workspace, user),
      isBot: user?.is_bot === true,
      isUnknown: false,
    };
  });
  const members = remembered(GROUP_MS, now, async (group) => {
    const { users } = await client.usergroups.users.list({ usergroup: group });
    return users ?? [];
  });

  /** Undefined where Slack does not say. */
  const isMember = async (group: string, userId: string): Promise<boolean | undefined> => {
    try {
      return (await inTime(members(group))).includes(userId);
    } catch (error) {
      log.warn({ err: error, group }, 'a user group could not be read; its members get nothing from it');
      return undefined;
    }
  };
  const groupsOf = async (userId: string): Promise<{ ids: string[]; areAllKnown: boolean }> => {
    const inGroup = await Promise.all(groups.map((group) => isMember(group, userId)));
    return {
      ids: groups.filter((_, index) => inGroup[index] === true),
      areAllKnown: !inGroup.includes(undefined),
    };
  };

  return {
    async find(userId) {
      const [facts, inGroups] = await Promise.all([
        inTime(person(userId)).catch((error: unknown) => {
          log.warn({ err: error, user: userId }, 'a person could not be looked up');
          return { ...nobody, id: userId, isUnknown: true };
        }),
        groupsOf(userId),
      ]);
      return { ...facts, ids: [userId, ...inGroups.ids], areGroupsUnknown: !inGroups.areAllKnown };
    },
  };
}

/** In an Enterprise Grid somebody has one home and may be in further workspaces of it. */
function isOf(workspace: string, user: UsersInfoResponse['user']): boolean {
  const home = user?.team_id ?? workspace;
  return home === workspace || user?.enterprise_user?.teams?.includes(workspace) === true;
}

/** A value by key, asked for once at a time and kept for a while; a failure is not kept. */
function remembered<T>(
  keepMs: number,
  now: () => number,
  ask: (key: string) => Promise<T>,
): (key: string) => Promise<T> {
  const kept = new Map<string, { value: Promise<T>; atMs: number }>();
  return (key) => {
    const known = kept.get(key);
    if (known !== undefined && now() - known.atMs < keepMs) return known.value;
    const value = ask(key);
    kept.set(key, { value, atMs: now() });
    value.catch(() => kept.delete(key));
    return value;
  };
}
