import { optional, withDefault } from '../setting.ts';
import { flag, listOf, oneOf } from '../parsers.ts';

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
    description: 'Only there code runs. By default in every channel the bot is in.',
  }),
  ALLOWED_USERS: optional(userIds, {
    example: 'U024BE7LH,S0614TZR7',
    description: 'Only they may run code. By default everyone in the channel.',
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
