/**
 * The app's scopes and events: `manifest.yml` is written from them, `doctor` compares the token's scopes with them, and
 * a test compares them with what the code calls and listens to.
 */

/** Each bot scope, and what it is for. */
export const BOT_SCOPES = {
  'app_mentions:read': 'to be called by @mention',
  'channels:history': 'code blocks and threads in public channels',
  'channels:read': 'whether the bot is in a channel, and its name',
  'chat:write': 'answers',
  commands: '/spark and the shortcuts',
  'files:read': 'files and snippets posted as code',
  'files:write': 'long output, images and tables as files',
  'groups:history': 'code blocks and threads in private channels the bot was invited to',
  'groups:read': 'the same as channels:read, for private channels',
  'im:history': 'direct messages with the bot',
  'im:read': 'that a channel is a direct message',
  'im:write': 'to answer privately where a channel does not allow it',
  'mpim:history': 'code blocks and threads in group messages',
  'mpim:read': 'the same as channels:read, for group messages',
  'reactions:write': 'how a run ended, at a glance on the message that it came from',
  'usergroups:read': 'user groups in ADMINS and ALLOWED_USERS',
  'users:read': 'who is an admin, a guest or of another workspace',
} as const;

export const BOT_EVENTS = [
  'app_home_opened',
  'app_mention',
  'channel_id_changed',
  'member_joined_channel',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
] as const;

export const SLASH_COMMAND = '/spark';

/** The `callback_id`s of the shortcuts. */
export const shortcuts = { editor: 'open_editor', runMessage: 'run_message' } as const;
