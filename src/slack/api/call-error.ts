import { setTimeout as delay } from 'node:timers/promises';
import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import { ConfigError } from '../../errors.ts';

/** Why Slack said no, by what may help. */
export type Refusal =
  /** A smaller, plainer message may pass. */
  | 'tooLong'
  /** The message that is edited is not there any more. */
  | 'messageGone'
  /** What the call names is not there: a file, a channel, a thread. */
  | 'notFound'
  /** The message stays, but cannot be edited any more: a new one has to take its place. */
  | 'uneditable'
  /** Slack does not take our token: it says nothing about what was asked. */
  | 'token'
  /** Archived, closed to the bot, against the workspace's rules, …: nothing helps. */
  | 'other';

/** Why a call to Slack failed, by what to do next. */
export type CallError =
  /** Wait so long, then the same again. */
  | { kind: 'rateLimited'; waitMs: number }
  /** No answer, or one that says nothing: it may have happened or not. */
  | { kind: 'unclear'; reason: string }
  /** Slack said no; `code` is its error, `reasons` its words about it (which block is wrong). */
  | { kind: 'refused'; code: string; refusal: Refusal; reasons: readonly string[] };

/** Answers of Slack that say that it is in trouble itself. */
const OUTAGES = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'update_failed',
  'external_channel_migrating',
  'team_added_to_org',
  'org_login_required',
]);

const REFUSALS: ReadonlyMap<string, Refusal> = new Map([
  ['msg_too_long', 'tooLong'],
  ['msg_blocks_too_long', 'tooLong'],
  ['invalid_blocks', 'tooLong'],
  ['invalid_blocks_format', 'tooLong'],
  ['no_text', 'tooLong'],
  ['message_not_found', 'messageGone'],
  ['file_not_found', 'notFound'],
  ['file_deleted', 'notFound'],
  ['channel_not_found', 'notFound'],
  ['thread_not_found', 'notFound'],
  ['cant_update_message', 'uneditable'],
  ['edit_window_closed', 'uneditable'],
  ['is_inactive', 'uneditable'],
  ['block_mismatch', 'uneditable'],
  ['streaming_state_conflict', 'uneditable'],
  ['invalid_auth', 'token'],
  ['not_authed', 'token'],
  ['account_inactive', 'token'],
  ['token_expired', 'token'],
  ['token_revoked', 'token'],
]);

const REASONS_KEPT = 5;
const REASON_CHARS = 300;

/** The one reading of what a call to Slack rejected with. */
export function readCallError(error: unknown): CallError {
  if (error instanceof WebAPIRateLimitedError)
    return { kind: 'rateLimited', waitMs: error.retryAfter * 1000 };
  if (error instanceof WebAPIHTTPError) return { kind: 'unclear', reason: `HTTP ${error.statusCode}` };
  if (error instanceof WebAPIPlatformError)
    return readErrorCode(error.data.error, error.data.response_metadata?.messages);
  // An error of the file system would tell where this machine keeps its files.
  if (error instanceof Error && 'path' in error && 'code' in error)
    return { kind: 'unclear', reason: String(error.code) };
  const reason = error instanceof Error ? error.message : String(error);
  // A 429 without a usable Retry-After is a plain error in this client.
  if (/Retry header/.test(reason)) return { kind: 'rateLimited', waitMs: 1000 };
  return { kind: 'unclear', reason };
}

/** What stands in an answer as its `error`. */
export function readErrorCode(code: string, reasons: readonly string[] = []): CallError {
  if (code === 'ratelimited' || code === 'rate_limited') return { kind: 'rateLimited', waitMs: 1000 };
  // The client puts a body that is no JSON where the code would stand.
  if (OUTAGES.has(code) || !/^[a-z_0-9]+$/.test(code))
    return { kind: 'unclear', reason: code.slice(0, 80).toWellFormed() };
  const shown = reasons.slice(0, REASONS_KEPT).map((reason) => reason.slice(0, REASON_CHARS));
  return { kind: 'refused', code, refusal: REFUSALS.get(code) ?? 'other', reasons: shown };
}

/** Slack's error where it said no; undefined where it did not answer, or only that it is in trouble. */
export function refusedAs(error: unknown): string | undefined {
  const failure = readCallError(error);
  return failure.kind === 'refused' ? failure.code : undefined;
}

const ASK_AGAIN_MS = 200;

/** Asks once more where Slack says that it is in trouble: its client repeats only calls that it did not answer. */
export async function askTwice<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof WebAPIPlatformError) || readCallError(error).kind !== 'unclear') throw error;
    await delay(ASK_AGAIN_MS);
    return await ask();
  }
}

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
export function unansweredReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return unansweredReason(error.cause);
  const refusal = /^Proxy response \((\d{3})\)/.exec(error.message)?.[1];
  if (refusal !== undefined) return `the proxy answers with status ${refusal}`;
  const code = 'code' in error ? String(error.code) : '';
  return error.message || code || error.name;
}
