import { flag, listOf, matching, oneOf, rootUrl, optional, withDefault } from '../parsers.ts';

const http = rootUrl(['http:', 'https:']);

/** A token of an app with token rotation ends after 12 hours (https://docs.slack.dev/authentication/using-token-rotation). */
const lasting = matching(
  /^(?!xoxe[.-])/,
  'a token that does not expire, and this one (xoxe…) ends after 12 hours, because the app has token rotation: create the app anew from manifest.yml',
);

export const slackFields = {
  SLACK_BOT_TOKEN: optional(lasting.pipe(matching(/^xoxb-\S+$/, 'a bot token, which begins with xoxb-')), {
    secret: true,
    example: 'xoxb-1-2-abc',
    description: 'The bot token of the Slack app (OAuth & Permissions). Required.',
  }),
  SLACK_APP_TOKEN: optional(matching(/^xapp-\S+$/, 'an app-level token, which begins with xapp-'), {
    secret: true,
    example: 'xapp-1-A1-2-abc',
    description:
      'An app-level token with connections:write. With it the bot uses Socket Mode and needs no public address.',
  }),
  SLACK_SIGNING_SECRET: optional(matching(/^\S+$/, 'the signing secret of the Slack app'), {
    secret: true,
    example: '8f742231b10e8888abcd99yyyzzz85a5',
    description:
      'Without an app token, Slack posts signed requests to /slack/events on PORT. Their signatures are checked with this secret.',
  }),
  SLACK_API_URL: optional(http, {
    example: 'https://slack.com/api/',
    description: 'Another root of the Slack API, for tests and proxies.',
  }),
};

const userIds = listOf(/^[UWS][A-Z0-9]+$/, 'user ids (U…, W…) and user group ids (S…)');

export const policyFields = {
  ADMINS: optional(userIds, {
    example: 'U024BE7LH,S0614TZR7',
    description: 'Who may restart and shut down kernels, beside workspace admins and owners.',
  }),
  RESTART_BY: withDefault(oneOf(['admins', 'anyone']), 'admins', {
    example: 'anyone',
    description: 'Who may restart, shut down and switch a channel’s kernel.',
  }),
  ALLOWED_CHANNELS: optional(listOf(/^[CGD][A-Z0-9]+$/, 'channel ids (C…, G…, D…)'), {
    example: 'C024BE91L',
    description: 'Code runs only in these channels. By default it runs in every channel that the bot is in.',
  }),
  ALLOWED_USERS: optional(userIds, {
    example: 'U024BE7LH,S0614TZR7',
    description: 'Only these people may run code. By default everyone in the channel may.',
  }),
  ALLOWED_BOTS: optional(listOf(/^[BUWA][A-Z0-9]+$/, 'bot ids (B…), app ids (A…) and user ids (U…, W…)'), {
    example: 'B024BE7LH',
    description: 'Bots that may run code. By default none.',
  }),
  ALLOW_GUESTS: withDefault(flag, 'false', { example: 'true', description: 'Whether guests may run code.' }),
  ALLOW_EXTERNAL: withDefault(flag, 'false', {
    example: 'true',
    description: 'Whether people of other workspaces (Slack Connect) may run code.',
  }),
};
