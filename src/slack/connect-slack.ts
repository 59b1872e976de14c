import bolt from '@slack/bolt';
import type { Receiver } from '@slack/bolt';
import { type Logger, LogLevel, type RetryOptions } from '@slack/web-api';
import type { Log } from '../log.ts';
import { DurableApp } from './durable-app.ts';

export interface SlackSettings {
  botToken: string;
  apiUrl: string | undefined;
  transport: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
}

/**
 * A dropped socket is noticed after this long and the same time passes before the next one opens, so the length of a
 * gap in which slash commands fail (slack.md §1, fact 10); shorter risks taking a busy second for a dead socket.
 */
const SOCKET_PING_MS = 2_000;
const CALL_TIMEOUT_MS = 10_000;
/** Interactive calls: a trigger lives for 3 s, so what did not work twice is over. */
const FEW_RETRIES: RetryOptions = { retries: 2, factor: 2, minTimeout: 200, maxTimeout: 1_000 };

/** The Bolt app for Socket Mode or signed HTTP. Nothing is connected yet; `start()` does that. */
export function openSlackApp(settings: SlackSettings, port: number, log: Log): DurableApp {
  const logger = boltLogger(log);
  const apiUrl = settings.apiUrl === undefined ? {} : { slackApiUrl: settings.apiUrl };
  return new DurableApp({
    token: settings.botToken,
    receiver: openReceiver(settings, port, logger),
    clientOptions: { ...apiUrl, timeout: CALL_TIMEOUT_MS, retryConfig: FEW_RETRIES },
    logger,
    convoStore: false,
    ignoreSelf: true,
    deferInitialization: true,
  });
}

/** The socket's own client keeps its patient retry policy: with a short one a long absence of Slack ends the process. */
function openReceiver({ transport, apiUrl }: SlackSettings, port: number, logger: Logger): Receiver {
  if (transport.kind === 'http')
    return new bolt.HTTPReceiver({
      signingSecret: transport.signingSecret,
      port,
      endpoints: '/slack/events',
      logger,
    });
  return new bolt.SocketModeReceiver({
    appToken: transport.appToken,
    clientPingTimeout: SOCKET_PING_MS,
    logger,
    ...(apiUrl === undefined ? {} : { installerOptions: { clientOptions: { slackApiUrl: apiUrl } } }),
  });
}

/** Bolt's and the clients' log lines in ours. Their "info" is our "debug". */
function boltLogger(log: Log): Logger {
  const say =
    (write: (line: string) => void) =>
    (...words: unknown[]) =>
      write(words.map(asText).join(' '));
  return {
    debug: say((line) => log.trace(line)),
    info: say((line) => log.debug(line)),
    warn: say((line) => log.warn(line)),
    error: say((line) => log.error(line)),
    setLevel: () => {},
    getLevel: () => LogLevel.INFO,
    setName: () => {},
  };
}

function asText(word: unknown): string {
  if (typeof word === 'string') return word;
  return word instanceof Error ? word.message : JSON.stringify(word);
}
