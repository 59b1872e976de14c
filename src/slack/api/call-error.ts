import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';

/** Why a call to Slack did not work, cut by what to do next. */
export type CallFailure =
  /** Wait so long, then the same again. */
  | { kind: 'rateLimited'; waitMs: number }
  /** No answer, or one that says nothing: it may have happened or not. */
  | { kind: 'unclear'; reason: string }
  /** Slack said no; `code` is its error. */
  | { kind: 'refused'; code: string };

/** Answers of Slack that say that it is in trouble itself. */
const troubles = new Set([
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

export function readFailure(error: unknown): CallFailure {
  if (error instanceof WebAPIRateLimitedError)
    return { kind: 'rateLimited', waitMs: error.retryAfter * 1000 };
  if (error instanceof WebAPIHTTPError) return { kind: 'unclear', reason: `HTTP ${error.statusCode}` };
  if (error instanceof WebAPIPlatformError) {
    const code = error.data.error;
    if (code === 'ratelimited' || code === 'rate_limited') return { kind: 'rateLimited', waitMs: 1000 };
    // the client puts a body that is no JSON where the code would stand
    if (troubles.has(code) || !/^[a-z_0-9]+$/.test(code))
      return { kind: 'unclear', reason: code.slice(0, 80) };
    return { kind: 'refused', code };
  }
  // an error of the file system would tell where this machine keeps its files
  if (error instanceof Error && 'path' in error && 'code' in error)
    return { kind: 'unclear', reason: String(error.code) };
  const reason = error instanceof Error ? error.message : String(error);
  // a 429 without a usable Retry-After is a plain error in this client
  if (/Retry header/.test(reason)) return { kind: 'rateLimited', waitMs: 1000 };
  return { kind: 'unclear', reason };
}

/** Slack finds the message too long or a block wrong: a smaller, plainer one may pass. */
export function isTooLong(code: string): boolean {
  return [
    'msg_too_long',
    'msg_blocks_too_long',
    'invalid_blocks',
    'invalid_blocks_format',
    'no_text',
  ].includes(code);
}

/** The message cannot be edited any more: a new one has to take its place. */
export function isMessageGone(code: string): boolean {
  return [
    'message_not_found',
    'cant_update_message',
    'edit_window_closed',
    'is_inactive',
    'block_mismatch',
    'streaming_state_conflict',
  ].includes(code);
}
