/** Users and channels, and how the Web API shows them (users.info, conversations.info). */

export type Role = 'owner' | 'admin' | 'member' | 'guest' | 'external' | 'bot';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  readonly teamId: string;
  role: Role;
  deleted: boolean;
  /** Of bots only. */
  readonly botId?: string;
  readonly appId?: string;
}

export type ChannelKind = 'public' | 'private' | 'im' | 'mpim';

export interface Channel {
  readonly id: string;
  /** Without `#`; of direct messages the id. */
  name: string;
  readonly kind: ChannelKind;
  readonly members: Set<string>;
  archived: boolean;
  /** Shared with another workspace (Slack Connect). */
  readonly shared: boolean;
  readonly createdS: number;
}

export interface UserGroup {
  readonly id: string;
  readonly handle: string;
  readonly members: Set<string>;
}

export function presentUser(user: User, homeTeamId: string): Record<string, unknown> {
  const isAdmin = user.role === 'admin' || user.role === 'owner';
  const profile = {
    id: user.id,
    team_id: user.teamId,
    name: user.name,
    real_name: user.realName,
    deleted: user.deleted,
    tz: 'Europe/Berlin',
    tz_label: 'Central European Time',
    tz_offset: 3600,
    updated: 1_790_000_000,
    profile: { real_name: user.realName, display_name: user.name, team: user.teamId },
  };
  if (user.deleted) return profile;
  const flags = {
    is_bot: user.role === 'bot',
    is_app_user: false,
    is_owner: user.role === 'owner',
    is_primary_owner: user.role === 'owner',
    is_restricted: user.role === 'guest',
    is_ultra_restricted: false,
  };
  if (user.teamId === homeTeamId) return { ...profile, ...flags, is_admin: isAdmin };
  // People from other workspaces are shown with the rights that they have there, which mean nothing here.
  return { ...profile, ...flags, is_admin: true, is_stranger: true };
}

export function presentChannel(channel: Channel, viewerId: string, teamId: string): Record<string, unknown> {
  const common = {
    id: channel.id,
    created: channel.createdS,
    is_archived: channel.archived,
    is_im: channel.kind === 'im',
    is_mpim: channel.kind === 'mpim',
    is_group: channel.kind === 'private',
    is_private: channel.kind !== 'public',
    is_org_shared: false,
    is_ext_shared: channel.shared,
    is_shared: channel.shared,
    context_team_id: teamId,
  };
  if (channel.kind === 'im') {
    const other = [...channel.members].find((member) => member !== viewerId) ?? viewerId;
    return { ...common, user: other, is_open: true };
  }
  return {
    ...common,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: channel.kind === 'public',
    is_general: channel.name === 'general',
    is_member: channel.members.has(viewerId),
    topic: { value: '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
    previous_names: [],
  };
}

/** The name of a channel in slash commands and interactions. */
export function channelNameInPayloads(channel: Channel): string {
  if (channel.kind === 'im') return 'directmessage';
  return channel.kind === 'public' ? channel.name : 'privategroup';
}
