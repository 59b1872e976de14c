import { WebAPIPlatformError } from '@slack/web-api';
import { ConfigError } from '../errors.ts';

/** Slack's own troubles, which any method may answer and which pass by themselves: no token is wrong. */
const passing = new Set([
  'fatal_error',
  'internal_error',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
]);

/** Why Slack does not let us begin: `ConfigError` where it refuses the token that `setting` gave, else another error. */
export function beginFailure(setting: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', error: unknown): Error {
  if (!(error instanceof WebAPIPlatformError))
    return new Error('Slack does not answer, so it cannot be asked who we are.', { cause: error });
  const said = error.data.error;
  return passing.has(said)
    ? new Error(`Slack has a trouble of its own (${said}). Try again in a minute.`, { cause: error })
    : new ConfigError([`${setting} is refused by Slack (${said}).`]);
}
