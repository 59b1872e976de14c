/** The options of a playground; the others are as in {@link defaults}. */
export type PlaygroundOptions = Partial<Settings>;

export interface Settings {
  /** 0: a free one on 127.0.0.1. */
  readonly port: number;
  readonly workspace: { readonly id?: string; readonly name?: string; readonly domain?: string };
  readonly botName: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  /** Scopes of the bot token. */
  readonly scopes: readonly string[];
  /** Bot events that the app is subscribed to. */
  readonly subscriptions: readonly string[];
  /** Slash commands of the app. */
  readonly commands: readonly string[];
  /** Shortcuts that the web page offers. */
  readonly shortcuts: readonly Shortcut[];
  /** Deliver by signed HTTP to this address instead of Socket Mode. */
  readonly requestUrl?: string;
  /** Which of a mention's two events comes first. */
  readonly mentionOrder: MentionOrder;
  /** `true`: Slack's own; a record sets calls per minute by method. */
  readonly rates: boolean | Readonly<Record<string, number>>;
  readonly ackTimeoutMs: number;
  /** Waits before an event's 1st, 2nd and 3rd repeat. */
  readonly retryDelaysMs: readonly number[];
  readonly triggerLifeMs: number;
  /** Between completeUploadExternal's answer and the message with the file. */
  readonly shareDelayMs: number;
  readonly pingIntervalMs: number;
  /** Of `waitFor` and its relatives. */
  readonly waitTimeoutMs: number;
  /** Milliseconds since 1970. For rates, lives of triggers and response addresses, and ts. */
  readonly now: () => number;
}

export interface Shortcut {
  readonly type: 'global' | 'message';
  readonly callbackId: string;
  readonly name: string;
}

export type MentionOrder = 'app_mention' | 'message' | 'alternate';

const scopes = [
  'app_mentions:read',
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'files:read',
  'files:write',
  'groups:history',
  'groups:read',
  'im:history',
  'im:read',
  'im:write',
  'mpim:history',
  'mpim:read',
  'reactions:write',
  'usergroups:read',
  'users:read',
];

const subscriptions = [
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  'channel_id_changed',
  'member_joined_channel',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
  'tokens_revoked',
];

/** Times and repeats are Slack's. */
export const defaults: Settings = {
  port: 0,
  workspace: {},
  botName: 'sparkthread',
  botToken: 'xoxb-playground-bot-token',
  appToken: 'xapp-1-playground-app-token',
  signingSecret: 'playground-signing-secret',
  scopes,
  subscriptions,
  commands: ['/spark'],
  shortcuts: [],
  mentionOrder: 'alternate',
  rates: true,
  ackTimeoutMs: 3000,
  retryDelaysMs: [0, 60_000, 300_000],
  triggerLifeMs: 3000,
  shareDelayMs: 30,
  pingIntervalMs: 5000,
  waitTimeoutMs: 100_000,
  now: Date.now,
};
