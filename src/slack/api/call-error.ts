import { setTimeout as delay } from 'node:timers/promises';
import { SlackError, WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import { ConfigError } from '../../errors.ts';

/** Slack's refusals, grouped by what the caller can do about them. */
export type Refusal =
  /** Slack may take a smaller message. */
  | 'tooLong'
  /** The message to edit no longer exists. */
  | 'messageGone'
  /** The file, channel or thread does not exist. */
  | 'notFound'
  /** Slack does not accept the bot's token, which says nothing about the call itself. */
  | 'token'
  /** Anything else, such as an archived channel or a rule of the workspace: a repetition does not help. */
  | 'other';

/** Why a call to Slack failed, grouped by what to do next. */
export type CallError =
  /** Repeat the call after this time. */
  | { kind: 'rateLimited'; waitMs: number }
  /** No usable answer: Slack may have done it or not. */
  | { kind: 'unclear'; reason: string }
  /** `code` is Slack's error; `reasons` explain it, for example which block is invalid. */
  | { kind: 'refused'; code: string; refusal: Refusal; reasons: readonly string[] };

/** Errors that mean that Slack itself has a problem. */
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
  ['invalid_auth', 'token'],
  ['not_authed', 'token'],
  ['account_inactive', 'token'],
  ['token_expired', 'token'],
  ['token_revoked', 'token'],
]);

const MAX_REASONS = 5;
const MAX_REASON_CHARS = 300;

/** Classifies what a call to Slack rejected with. */
export function readCallError(error: unknown): CallError {
  if (error instanceof WebAPIRateLimitedError)
    return { kind: 'rateLimited', waitMs: error.retryAfter * 1000 };
  if (error instanceof WebAPIHTTPError) return { kind: 'unclear', reason: `HTTP ${error.statusCode}` };
  if (error instanceof WebAPIPlatformError)
    return readErrorCode(error.data.error, error.data.response_metadata?.messages);
  // The message of a file system error would reveal paths of this machine.
  if (error instanceof Error && 'path' in error && 'code' in error)
    return { kind: 'unclear', reason: String(error.code) };
  const reason = error instanceof Error ? error.message : String(error);
  // The client throws a plain error for a 429 without a usable Retry-After.
  if (/Retry header/.test(reason)) return { kind: 'rateLimited', waitMs: 1000 };
  return { kind: 'unclear', reason };
}

/** Classifies the `error` of an answer. */
export function readErrorCode(code: string, reasons: readonly string[] = []): CallError {
  if (code === 'ratelimited' || code === 'rate_limited') return { kind: 'rateLimited', waitMs: 1000 };
  // For a body that is not JSON the client gives the body as the code.
  if (OUTAGES.has(code) || !/^[a-z_0-9]+$/.test(code))
    return { kind: 'unclear', reason: code.slice(0, 80).toWellFormed() };
  const shown = reasons.slice(0, MAX_REASONS).map((reason) => reason.slice(0, MAX_REASON_CHARS));
  return { kind: 'refused', code, refusal: REFUSALS.get(code) ?? 'other', reasons: shown };
}

/** Slack's error code if it refused the call; undefined if it gave no usable answer. */
export function refusedAs(error: unknown): string | undefined {
  const failure = readCallError(error);
  return failure.kind === 'refused' ? failure.code : undefined;
}

/** Whether this is a call to Slack that got no usable answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof SlackError && readCallError(error).kind !== 'refused';
}

const ASK_AGAIN_MS = 200;

/**
 * Asks a second time if Slack reports a problem of its own, or names a wait for its rate of at most `longestWaitMs`. Its
 * client repeats only calls that got no answer.
 */
export async function askTwice<Answer>(ask: () => Promise<Answer>, longestWaitMs = 0): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const failure = readCallError(error);
    const isPaced = failure.kind === 'rateLimited' && failure.waitMs <= longestWaitMs;
    if (!isPaced && !(error instanceof WebAPIPlatformError && failure.kind === 'unclear')) throw error;
    await delay(isPaced ? failure.waitMs : ASK_AGAIN_MS, undefined, { ref: false });
    return await ask();
  }
}

/** How often `withRetries` tries a call. */
const CALL_TRIES = 5;

/**
 * Repeats a call, which has to be harmless, after a rate limit or an unclear failure; a refusal is final. The waits do
 * not keep the process alive.
 */
export async function withRetries<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'refused' || attempt === CALL_TRIES) throw error;
      await delay(retryMs(failure, attempt), undefined, { ref: false });
    }
  }
}

/** How long to wait before the next try; `attempt` is 1 after the first failure. */
export function retryMs(failure: CallError, attempt: number): number {
  return failure.kind === 'rateLimited' ? failure.waitMs : Math.min(30_000, 500 * 2 ** attempt);
}

/** The error that ends the start: a `ConfigError` if Slack refuses the bot token. */
export function startupError(error: unknown): Error {
  const failure = readCallError(error);
  if (failure.kind === 'refused') return tokenRefused('SLACK_BOT_TOKEN', failure.code);
  return new Error(`${unansweredWords(error)}, so it cannot be asked who we are.`, { cause: error });
}

export function tokenRefused(setting: 'SLACK_BOT_TOKEN' | 'SLACK_APP_TOKEN', said: string): ConfigError {
  return new ConfigError([`${setting} is refused by Slack (${said}).`]);
}

/** Words for an outage, a rate limit or the error page of a proxy. */
export function unansweredWords(error: unknown): string {
  if (!(error instanceof WebAPIPlatformError)) return `Slack does not answer (${unansweredReason(error)})`;
  const said = error.data.error.trim().replaceAll(/\s+/g, ' ');
  return `Slack gives no usable answer (${said.slice(0, 80).toWellFormed()})`;
}

/** The innermost cause: "getaddrinfo ENOTFOUND slack.com", not "fetch failed". */
export function unansweredReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return unansweredReason(error.cause);
  const refusal = /^Proxy response \((\d{3})\)/.exec(error.message)?.[1];
  if (refusal !== undefined) return `the proxy answers with status ${refusal}`;
  const code = 'code' in error ? String(error.code) : '';
  return error.message || code || error.name;
}
