import { UserError } from '../../errors.ts';

/** Who may do what, as a pure table. Facts about people are looked up elsewhere. */

export interface Person {
  id: string;
  /** The display name; absent if Slack did not say. */
  name?: string | undefined;
  /** Admin, owner or primary owner of this workspace. */
  isWorkspaceAdmin: boolean;
  isGuest: boolean;
  /** From another workspace (Slack Connect). */
  isExternal: boolean;
  isBot: boolean;
  /** The account was deactivated; its scheduled messages and workflows may still post. */
  isDeactivated?: boolean;
  /** As in `Europe/Berlin`. */
  timeZone?: string | undefined;
  /** Slack did not say who this is: no rights until it does. */
  isUnknown: boolean;
  /**
   * Every id by which a list may name them: user, bot and app id, and the user groups of the settings that they are in.
   */
  ids: readonly string[];
  /** Slack did not list the members of every user group of the settings. */
  areGroupsUnknown?: boolean;
}

export interface PolicySettings {
  admins: readonly string[];
  restartBy: 'admins' | 'anyone';
  allowedChannels: readonly string[] | undefined;
  allowedUsers: readonly string[] | undefined;
  allowedBots: readonly string[];
  allowGuests: boolean;
  allowExternal: boolean;
}

/** Who may do it, of those who may use the bot at all. `what` completes the refusal: Only admins may … */
type Rule =
  | { for: 'all' }
  | { for: 'nobody' }
  | { for: 'admins'; what: string }
  /** Admins or everybody, by RESTART_BY. */
  | { for: 'restarters'; what: string };

const ALL = { for: 'all' } as const;

const RULES = {
  run: ALL,
  /** help, languages, status, history, export, home; asking about the run that others wait for. */
  look: ALL,
  /** use, auto, save. */
  choose: ALL,
  stopOwn: ALL,
  stopOthers: { for: 'admins', what: 'stop somebody else’s run' },
  /** Answering the question of one's own run; nobody answers for somebody else. */
  answerOwn: ALL,
  answerOthers: { for: 'nobody' },
  deleteOwn: ALL,
  deleteOthers: { for: 'admins', what: 'delete somebody else’s answer' },
  /** Forgetting, or saving other code over it. */
  forgetOwn: ALL,
  forgetOthers: { for: 'admins', what: 'forget or replace what somebody else saved' },
  /** Pausing, resuming and removing a schedule. */
  changeOwnSchedule: ALL,
  changeOthersSchedule: { for: 'admins', what: 'change somebody else’s schedule' },
  restart: { for: 'restarters', what: 'restart the kernel' },
  shutDown: { for: 'restarters', what: 'shut the kernel down' },
  /** Replacing the channel's kernel with one of another language. */
  switch: { for: 'restarters', what: 'replace the channel’s kernel' },
  /** The same if nobody else has run code in it. */
  switchOwn: ALL,
  keep: ALL,
  listKernels: { for: 'admins', what: 'list kernels' },
  /** Restarting and shutting down from another channel. */
  otherChannels: { for: 'admins', what: 'act on another channel’s kernel' },
} as const satisfies Readonly<Record<string, Rule>>;

export type Action = keyof typeof RULES;

/** All actions, in the order of docs/policy.md. */
export const actions: readonly Action[] = Object.keys(RULES).filter(isAction);

function isAction(name: string): name is Action {
  return Object.hasOwn(RULES, name);
}

/** Undefined when allowed, else one sentence for the person. `channel` is undefined on the home tab. */
export function refuse(
  action: Action,
  person: Person,
  channel: string | undefined,
  settings: PolicySettings,
): string | undefined {
  const stranger = refuseStranger(person, channel, settings);
  if (stranger !== undefined) return stranger;
  const rule: Rule = RULES[action];
  if (rule.for === 'nobody') return 'Only the person who ran this can answer its question.';
  if (rule.for === 'all') return undefined;
  if (rule.for === 'restarters' && settings.restartBy === 'anyone') return undefined;
  return refuseNonAdmin(rule.what, person, settings);
}

/** Throws `UserError('notAllowed')` for what `refuse` refuses. */
export function must(
  action: Action,
  person: Person,
  channel: string | undefined,
  settings: PolicySettings,
): void {
  const refused = refuse(action, person, channel, settings);
  if (refused !== undefined) throw new UserError('notAllowed', refused);
}

/** A workspace admin or owner, or listed in ADMINS. Nobody from another workspace is an admin by role. */
export function isAdmin(person: Person, settings: PolicySettings): boolean {
  return (
    (person.isWorkspaceAdmin && !person.isExternal) || person.ids.some((id) => settings.admins.includes(id))
  );
}

function refuseStranger(
  person: Person,
  channel: string | undefined,
  settings: PolicySettings,
): string | undefined {
  // Only admins are told the name of the setting.
  const forAdmins = (setting: string): string => (isAdmin(person, settings) ? ` (${setting})` : '');
  if (person.isUnknown) return 'Slack did not say who you are, so nothing was done. Try again in a minute.';
  if (person.isDeactivated === true) return 'This account is deactivated in Slack, so nothing was done.';
  if (channel !== undefined && settings.allowedChannels?.includes(channel) === false)
    return `Sparkthread may not be used in this channel${forAdmins('ALLOWED_CHANNELS')}.`;
  const named = settings.allowedUsers?.some((id) => person.ids.includes(id));
  if (person.isBot)
    return person.ids.some((id) => settings.allowedBots.includes(id))
      ? undefined
      : `Bots may not use Sparkthread here${forAdmins('ALLOWED_BOTS')}.`;
  if (person.isExternal && !settings.allowExternal)
    return `People from other workspaces may not use Sparkthread here${forAdmins('ALLOW_EXTERNAL')}.`;
  if (person.isGuest && !settings.allowGuests)
    return `Guests may not use Sparkthread here${forAdmins('ALLOW_GUESTS')}.`;
  if (named === false && person.areGroupsUnknown === true) return GROUPS_UNKNOWN;
  if (named === false)
    return `You are not on the list of people who may use Sparkthread${forAdmins('ALLOWED_USERS')}. Ask an admin.`;
  return undefined;
}

const GROUPS_UNKNOWN =
  'Slack did not say which user groups you are in, so nothing was done. Try again in a minute.';

function refuseNonAdmin(what: string, person: Person, settings: PolicySettings): string | undefined {
  if (isAdmin(person, settings)) return undefined;
  const isGroupNamed = settings.admins.some((id) => id.startsWith('S'));
  return person.areGroupsUnknown === true && isGroupNamed ? GROUPS_UNKNOWN : `Only admins may ${what}.`;
}

/** The user groups that the settings name: only their members have to be looked up. */
export function namedGroups(settings: PolicySettings): string[] {
  const named = [...settings.admins, ...(settings.allowedUsers ?? [])];
  return [...new Set(named.filter((id) => id.startsWith('S')))];
}
