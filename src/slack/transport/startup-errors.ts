import { WebAPIPlatformError } from '@slack/web-api';
import { ConfigError } from '../../errors.ts';
import { readCallError } from '../api/call-error.ts';

/** Why Slack does not let us begin: `ConfigError` where it refuses the bot token, else another error. */
export function startupError(error: unknown): Error {
  const failure = readCallError(error);
  if (failure.kind === 'refused') return tokenRefused('SLACK_BOT_TOKEN', failure.code);
  return new Error(`${unansweredWords(error)}, so it cannot be asked who we are.`, { cause: error });
}

export function tokenRefused(setting: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', said: string): ConfigError {
  return new ConfigError([`${setting} is refused by Slack (${said}).`]);
}

/** That Slack does not answer, or with something that says nothing: an outage, a limit, the page of a proxy. */
export function unansweredWords(error: unknown): string {
  if (!(error instanceof WebAPIPlatformError)) return `Slack does not answer (${unansweredReason(error)})`;
  const said = error.data.error.trim().replaceAll(/\s+/g, ' ');
  return `Slack gives no usable answer (${said.slice(0, 80).toWellFormed()})`;
}

/** From under the wrappings: "getaddrinfo ENOTFOUND slack.com", not "fetch failed". */
function unansweredReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return unansweredReason(error.cause);
  const refusal = /^Proxy response \((\d{3})\)/.exec(error.message)?.[1];
  if (refusal !== undefined) return `the proxy answers with status ${refusal}`;
  const code = 'code' in error ? String(error.code) : '';
  return error.message || code || error.name;
}
