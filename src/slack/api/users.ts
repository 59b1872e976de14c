import type { UsersInfoResponse, WebClient } from '@slack/web-api';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import { withTimeout } from '../../waits.ts';
import type { Person } from '../auth/policy.ts';
import { askTwice, refusedAs } from './call-error.ts';

/** How long Slack's answers are cached (users.info is tier 4, usergroups.users.list tier 2). */
const PERSON_MS = 60_000;
const GROUP_MS = 5 * 60_000;
/** A group that could not be read is not asked for with each message: that would keep the call rate-limited. */
const UNKNOWN_GROUP_MS = 30_000;
/** A listener has 2.5 s in total. An answer that comes later is cached for the next request. */
const LOOKUP_MS = 1_500;
/** The longest wait for Slack's rate, which is by the minute. */
const PACED_MS = 60_000;
/** For an event, which may wait: Slack brings it again meanwhile. */
export const EVENT_LOOKUP_MS = PACED_MS + LOOKUP_MS;

export interface UsersOptions {
  client: WebClient;
  /** The workspace's id, from auth.test. */
  workspace: string;
  /** Ids of the user groups whose members are needed. */
  groups: readonly string[];
  log: Log;
}

type Facts = Omit<Person, 'ids' | 'areGroupsUnknown'>;

const UNKNOWN_USER = {
  isWorkspaceAdmin: false,
  isGuest: false,
  isExternal: false,
  isBot: false,
  isUnknown: true,
};

export type Users = ReturnType<typeof createUsers>;

/** `users.info` and `usergroups.users.list`, cached. */
export function createUsers({ client, workspace, groups, log }: UsersOptions) {
  const facts = new LRUCache<string, Facts>({
    max: 5_000,
    ttl: PERSON_MS,
    async fetchMethod(id) {
      // users.info does not know the bots of incoming webhooks.
      if (id.startsWith('B')) return { ...UNKNOWN_USER, isUnknown: false, id, isBot: true };
      try {
        const { user } = await askTwice(() => client.users.info({ user: id }), PACED_MS);
        return factsOf(id, user, workspace);
      } catch (error) {
        const known = { ...UNKNOWN_USER, isUnknown: false, id };
        // The bot sees everybody of its own workspace.
        if (refusedAs(error) === 'user_not_visible') return { ...known, isExternal: true };
        // The account was deleted, or belongs to a workspace that is no longer connected.
        if (refusedAs(error) === 'user_not_found') return { ...known, isDeactivated: true };
        throw error;
      }
    },
  });
  const groupMembers = new LRUCache<string, ReadonlySet<string> | 'unknown'>({
    max: 100,
    ttl: GROUP_MS,
    async fetchMethod(group, _, { options }) {
      try {
        const { users = [] } = await askTwice(() => client.usergroups.users.list({ usergroup: group }));
        return new Set(users);
      } catch (error) {
        log.warn(
          { event: 'group.unread', err: error, group },
          'a user group could not be read; its members get no rights from it',
        );
        options.ttl = UNKNOWN_GROUP_MS;
        return 'unknown';
      }
    },
  });
  const findGroup = async (group: string): Promise<ReadonlySet<string> | 'unknown' | undefined> =>
    await withTimeout(groupMembers.fetch(group), LOOKUP_MS).catch(() => 'unknown' as const);

  return {
    /** Facts about a user. Never rejects: a user who cannot be looked up in time is unknown and has no rights. */
    async find(id: string, lookupMs = LOOKUP_MS): Promise<Person> {
      const [found, members] = await Promise.all([
        withTimeout(facts.fetch(id), lookupMs).catch((error: unknown) => {
          log.warn({ event: 'user.unread', err: error, user: id }, 'a user could not be looked up');
          return undefined;
        }),
        Promise.all(groups.map(findGroup)),
      ]);
      const inGroups = groups.filter((_, index) => {
        const group = members[index];
        return group !== undefined && group !== 'unknown' && group.has(id);
      });
      return {
        ...(found ?? { ...UNKNOWN_USER, id }),
        ids: [id, ...inGroups],
        areGroupsUnknown: members.includes('unknown'),
      };
    },
  };
}

/** Throws if the answer has no user: an empty answer gives nobody rights. */
function factsOf(id: string, user: UsersInfoResponse['user'], workspace: string): Facts {
  if (user === undefined) throw new Error('Slack answered users.info without a user');
  // In an Enterprise Grid a user has one home workspace and may be in others.
  const home = user.team_id ?? workspace;
  const isOurs = home === workspace || user.enterprise_user?.teams?.includes(workspace) === true;
  return {
    id,
    name: user.profile?.display_name || user.real_name || user.name,
    isWorkspaceAdmin: user.is_admin === true || user.is_owner === true || user.is_primary_owner === true,
    isGuest: user.is_restricted === true || user.is_ultra_restricted === true,
    isExternal: user.is_stranger === true || !isOurs,
    isBot: user.is_bot === true,
    isDeactivated: user.deleted === true,
    timeZone: user.tz,
    isUnknown: false,
  };
}
