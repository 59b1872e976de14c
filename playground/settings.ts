/** What a playground can be started with. */

export interface PlaygroundOptions {
  /** Default: a free one on 127.0.0.1. */
  readonly port?: number;
  readonly workspace?: { readonly id?: string; readonly name?: string; readonly domain?: string };
  readonly botName?: string;
  readonly botToken?: string;
  readonly appToken?: string;
  readonly signingSecret?: string;
  /** Scopes of the bot token; default {@link defaultScopes}. */
  readonly scopes?: readonly string[];
  /** Bot events that the app is subscribed to; default {@link defaultSubscriptions}. */
  readonly subscriptions?: readonly string[];
  /** Slash commands of the app; default `/spark`. */
  readonly commands?: readonly string[];
  /** Shortcuts that the web page offers; default none. */
  readonly shortcuts?: readonly Shortcut[];
  /** Deliver by signed HTTP to this address instead of Socket Mode. */
  readonly requestUrl?: string;
  /** Which of a mention's two events comes first; default `alternate`. */
  readonly mentionOrder?: MentionOrder;
  /** `false` switches Slack's rates off; a record sets calls per minute by method. Default true. */
  readonly rates?: boolean | Readonly<Record<string, number>>;
  /** Default 3000, Slack's. */
  readonly ackTimeoutMs?: number;
  /** Waits before an event's 1st, 2nd and 3rd repeat; default Slack's 0, 60 000 and 300 000. */
  readonly retryDelaysMs?: readonly number[];
  /** Default 3000, Slack's. */
  readonly triggerLifeMs?: number;
  /** Between completeUploadExternal's answer and the message with the file; default 30. */
  readonly shareDelayMs?: number;
  /** Default 5000. */
  readonly pingIntervalMs?: number;
  /** Of `waitFor` and its relatives; default 15 000. */
  readonly waitTimeoutMs?: number;
  /** Milliseconds since 1970; default Date.now. For rates, lives of triggers and response addresses, and ts. */
  readonly now?: () => number;
}

export interface Shortcut {
  readonly type: 'global' | 'message';
  readonly callbackId: string;
  readonly name: string;
}

export type MentionOrder = 'app_mention' | 'message' | 'alternate';

export interface Settings {
  readonly botName: string;
  readonly botToken: string;
  readonly appToken: string;
  readonly signingSecret: string;
  readonly scopes: readonly string[];
  readonly subscriptions: readonly string[];
  readonly commands: readonly string[];
  readonly shortcuts: readonly Shortcut[];
  readonly mentionOrder: MentionOrder;
  readonly ackTimeoutMs: number;
  readonly retryDelaysMs: readonly number[];
  readonly triggerLifeMs: number;
  readonly responseUrlLifeMs: number;
  readonly responseUrlUses: number;
  readonly shareDelayMs: number;
  readonly pingIntervalMs: number;
  readonly now: () => number;
}

const defaultScopes: readonly string[] = [
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

const defaultSubscriptions: readonly string[] = [
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

export function readSettings(options: PlaygroundOptions): Settings {
  return {
    botName: options.botName ?? 'sparkthread',
    botToken: options.botToken ?? 'xoxb-playground-bot-token',
    appToken: options.appToken ?? 'xapp-1-playground-app-token',
    signingSecret: options.signingSecret ?? 'playground-signing-secret',
    scopes: options.scopes ?? defaultScopes,
    subscriptions: options.subscriptions ?? defaultSubscriptions,
    commands: options.commands ?? ['/spark'],
    shortcuts: options.shortcuts ?? [],
    mentionOrder: options.mentionOrder ?? 'alternate',
    ackTimeoutMs: options.ackTimeoutMs ?? 3000,
    retryDelaysMs: options.retryDelaysMs ?? [0, 60_000, 300_000],
    triggerLifeMs: options.triggerLifeMs ?? 3000,
    responseUrlLifeMs: 30 * 60_000,
    responseUrlUses: 5,
    shareDelayMs: options.shareDelayMs ?? 30,
    pingIntervalMs: options.pingIntervalMs ?? 5000,
    now: options.now ?? Date.now,
  };
}
