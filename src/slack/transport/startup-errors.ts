import { WebAPIPlatformError } from '@slack/web-api';
import { ConfigError } from '../../errors.ts';

/** Outages of Slack's own, which any method may answer and which end by themselves: no token is wrong. */
const passing = new Set([
  'fatal_error',
  'internal_error',
  'ratelimited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
]);

/** Why Slack does not let us begin: `ConfigError` where it refuses the bot token, else another error. */
export function startupError(error: unknown): Error {
  if (!(error instanceof WebAPIPlatformError))
    return new Error(
      `Slack does not answer, so it cannot be asked who we are (${unansweredReason(error)}).`,
      {
        cause: error,
      },
    );
  const said = error.data.error;
  return isRefusal(said)
    ? tokenRefused('SLACK_BOT_TOKEN', said)
    : new Error(`Slack has an outage of its own (${said}). Try again in a minute.`, { cause: error });
}

/** Whether this word of Slack's says that a token is wrong. */
export function isRefusal(said: string): boolean {
  return !passing.has(said);
}

export function tokenRefused(setting: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', said: string): ConfigError {
  return new ConfigError([`${setting} is refused by Slack (${said}).`]);
}

/** Why there was no answer, from under the wrappings: "getaddrinfo ENOTFOUND slack.com", not "fetch failed". */
export function unansweredReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return unansweredReason(error.cause);
  const code = 'code' in error ? String(error.code) : '';
  return error.message || code || error.name;
}
