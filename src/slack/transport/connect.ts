import { inspect } from 'node:util';
import { type FetchFunction, type Logger, LogLevel, type RetryOptions, WebClient } from '@slack/web-api';
import type { Log } from '../../log.ts';
import { AckedAfterAcceptApp, type SlackTransport } from './acked-after-accept-app.ts';
import type { SlackNetwork } from './network.ts';
import { createSignedHttp } from './signed-http.ts';
import { createSocketMode } from './socket-mode.ts';

export interface SlackSettings {
  botToken: string;
  apiUrl: string | undefined;
  transport: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
}

const CALL_TIMEOUT_MS = 10_000;
/** trigger_ids expire after 3 s: a longer retry would be in vain. */
const FEW_RETRIES: RetryOptions = { retries: 2, factor: 2, minTimeout: 200, maxTimeout: 1_000 };

/** The Bolt app and what brings it Slack's payloads. Nothing is connected before the transport's `open`. */
export function openSlackApp(
  { botToken, apiUrl, transport: settings }: SlackSettings,
  log: Log,
  fetch: FetchFunction | undefined,
  dispatcher: SlackNetwork['socketDispatcher'],
): { app: AckedAfterAcceptApp; transport: SlackTransport } {
  const logger = boltLogger(log);
  const transport =
    settings.kind === 'socket'
      ? createSocketMode({
          appToken: settings.appToken,
          apiUrl,
          fetch,
          dispatcher,
          callTimeoutMs: CALL_TIMEOUT_MS,
          logger,
        })
      : createSignedHttp({
          signingSecret: settings.signingSecret,
          askSlack: () => app.client.auth.test({ token: botToken }),
          logger,
        });
  const app: AckedAfterAcceptApp = new AckedAfterAcceptApp({
    token: botToken,
    receiver: transport.receiver,
    clientOptions: clientOptions(apiUrl, fetch),
    logger,
    convoStore: false,
    ignoreSelf: true,
    deferInitialization: true,
  });
  return { app, transport };
}

/**
 * A client for one purpose: a 429 pauses a client's whole queue. A listener cannot wait for that, so with `isUrgent` a
 * 429 is a failure at once.
 */
export function openClient(
  { botToken, apiUrl }: SlackSettings,
  log: Log,
  {
    fetch,
    isUrgent,
    ...limits
  }: { fetch: FetchFunction | undefined; isUrgent: boolean; timeout?: number; retryConfig?: RetryOptions },
): WebClient {
  return new WebClient(botToken, {
    ...clientOptions(apiUrl, fetch),
    ...limits,
    rejectRateLimitedCalls: isUrgent,
    logger: boltLogger(log),
  });
}

function clientOptions(apiUrl: string | undefined, fetch: FetchFunction | undefined) {
  return {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    ...(fetch === undefined ? {} : { fetch }),
    timeout: CALL_TIMEOUT_MS,
    retryConfig: FEW_RETRIES,
  };
}

/**
 * Bolt's and the clients' log lines in ours. Their "info" is our "debug". Their "debug" repeats whole payloads, with
 * code and with what people type into a box for a password, so no level of ours shows it.
 */
function boltLogger(log: Log): Logger {
  return {
    debug: () => {},
    info: say((line) => log.debug({ event: 'slack.told' }, line)),
    warn: say((line) => log.warn({ event: 'slack.warned' }, line)),
    error: say((line) => log.error({ event: 'slack.failed' }, line)),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}

function say(write: (line: string) => void) {
  return (...words: unknown[]): void => write(words.map(asText).join(' '));
}

function asText(word: unknown): string {
  if (typeof word === 'string') return word;
  return word instanceof Error ? word.message : inspect(word, { depth: 3, breakLength: Infinity });
}
