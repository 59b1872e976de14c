import bolt from '@slack/bolt';
import type { FetchFunction, Logger, RetryOptions } from '@slack/web-api';
import type { Health } from '../operation/health.ts';
import { beginFailure } from './begin-failure.ts';
import type { SlackLink } from './link.ts';

export interface SocketLinkOptions {
  appToken: string;
  apiUrl: string | undefined;
  fetch: FetchFunction | undefined;
  callTimeoutMs: number;
  logger: Logger;
}

/**
 * A dropped socket is noticed after this long and the same time passes before the next one opens, so the length of a
 * gap in which slash commands fail (slack.md §1, fact 10); shorter risks taking a busy second for a dead socket.
 */
const SOCKET_PING_MS = 2_000;

/**
 * For as long as it takes: an `apps.connections.open` whose tries are used up ends the process (slack.md §1, fact 10),
 * and without a ceiling the pauses between tries would outgrow the outage.
 */
const UNTIL_SLACK_IS_BACK: RetryOptions = { forever: true, factor: 1.3, minTimeout: 500, maxTimeout: 15_000 };

/** Socket Mode. The socket's own client differs from the app's in its patience. */
export function socketLink(options: SocketLinkOptions): SlackLink {
  const { appToken, apiUrl, fetch, callTimeoutMs, logger } = options;
  const receiver = new bolt.SocketModeReceiver({
    appToken,
    clientPingTimeout: SOCKET_PING_MS,
    logger,
    installerOptions: {
      clientOptions: {
        ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
        ...(fetch === undefined ? {} : { fetch }),
        timeout: callTimeoutMs,
        retryConfig: UNTIL_SLACK_IS_BACK,
      },
    },
  });
  let health: Health = { ok: false, detail: 'Not connected yet.' };
  receiver.client.on('connected', () => {
    health = { ok: true, detail: `Connected by Socket Mode since ${new Date().toISOString()}.` };
  });
  receiver.client.on('close', () => {
    if (health.ok)
      health = { ok: false, detail: `Not connected since ${new Date().toISOString()}; reconnecting.` };
  });
  return {
    receiver,
    requests: undefined,
    async open(app) {
      try {
        await app.start();
      } catch (error) {
        throw beginFailure('SLACK_APP_TOKEN', error);
      }
    },
    async close() {
      health = { ok: false, detail: 'Stopping.' };
      await receiver.stop();
    },
    health: async () => health,
  };
}
