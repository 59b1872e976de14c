import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import receiverModule from '@slack/bolt/dist/receivers/SocketModeReceiver.js';
import type { FetchFunction, Logger, RetryOptions } from '@slack/web-api';
import { z } from 'zod';
import type { Health } from '../../server/health.ts';
import { parseJson } from '../../text.ts';
import { readErrorCode, tokenRefused, unansweredReason } from '../api/call-error.ts';
import type { SlackTransport } from './acked-after-accept-app.ts';
import { clientOptions, type SlackNetwork } from './network.ts';

export interface SocketModeOptions {
  appToken: string;
  apiUrl: string | undefined;
  fetch: FetchFunction;
  /** For the websocket; undefined: its client's own. */
  dispatcher: SlackNetwork['socketDispatcher'];
  logger: Logger;
}

/**
 * A dropped socket is noticed after this long and the same time passes before the next one opens, so the length of a
 * gap in which slash commands fail; shorter risks taking a busy second for a dead socket.
 */
const SOCKET_PING_MS = 2_000;

/**
 * For as long as it takes: an `apps.connections.open` whose tries are used up ends the process,
 * and without a ceiling the pauses between tries would outgrow the outage.
 */
const UNTIL_SLACK_IS_BACK: RetryOptions = { forever: true, factor: 1.3, minTimeout: 500, maxTimeout: 15_000 };

/** Socket Mode. The client of the socket retries for longer than that of the app. */
export function createSocketMode(options: SocketModeOptions): SlackTransport {
  const { appToken, apiUrl, logger } = options;
  const refused = Promise.withResolvers<never>();
  // Once the socket is open, nobody awaits this.
  refused.promise.catch(() => undefined);
  const causes = withCauses(logger);
  let isClosed = false;
  let health: Health = { ok: false, detail: 'Not connected yet.' };
  const notifyRefused = (said: string): void => {
    if (readErrorCode(said).kind === 'refused') refused.reject(tokenRefused('SLACK_APP_TOKEN', said));
    if (!health.ok) health = { ok: false, detail: `Not connected: Slack says ${said}; trying again.` };
  };
  const receiver = new receiverModule.default({
    appToken,
    ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    clientPingTimeout: SOCKET_PING_MS,
    logger: causes.logger,
    installerOptions: {
      clientOptions: {
        ...clientOptions(apiUrl, retriedWhenRefused(options.fetch, notifyRefused)),
        retryConfig: UNTIL_SLACK_IS_BACK,
      },
    },
  });
  receiver.client.on('connected', () => {
    // A connection that was about to be made when we were closed.
    if (isClosed) return void receiver.stop();
    health = { ok: true, detail: `Connected by Socket Mode since ${new Date().toISOString()}.` };
  });
  receiver.client.on('ws_message', (data: unknown) => {
    const warning = sharedWarning(data);
    if (warning !== undefined) logger.warn(warning);
  });
  receiver.client.on('close', () => {
    if (health.ok)
      health = { ok: false, detail: `Not connected since ${new Date().toISOString()}; reconnecting.` };
  });
  return {
    receiver,
    requests: undefined,
    async open(app) {
      await Promise.race([app.start(), refused.promise]);
    },
    async close() {
      isClosed = true;
      health = { ok: false, detail: 'Stopping.' };
      await receiver.stop();
      causes.end();
    },
    health: async () => health,
  };
}

/** By these undici tells what becomes of a websocket, which its event does not; all of its in this process are Slack's. */
const TOLD_OF_SOCKETS = ['undici:request:error', 'undici:request:headers', 'undici:websocket:socket_error'];

const upgradeSchema = z.object({
  request: z.object({ upgrade: z.literal('websocket') }),
  error: z.instanceof(Error).optional(),
  response: z.object({ statusCode: z.number() }).optional(),
});

/** The client of a websocket that broke says so twice, and not why: with this logger once, with the cause. */
export function withCauses(logger: Logger): { logger: Logger; end: () => void } {
  let cause: Error | undefined;
  const note = (told: unknown): void => {
    const { error, response } = upgradeSchema.safeParse(told).data ?? {};
    if (told instanceof Error) cause = told;
    else if (response?.statusCode === 101) cause = undefined;
    else if (response !== undefined) cause = new Error(`HTTP ${response.statusCode}`);
    else cause = error ?? cause;
  };
  for (const channel of TOLD_OF_SOCKETS) subscribe(channel, note);
  const error = (...words: unknown[]): void => {
    const line = String(words[0]);
    if (line.startsWith('WebSocket error!')) return;
    if (!line.startsWith('WebSocket error occurred')) return logger.error(...words);
    const why = cause === undefined ? 'the connection ended' : unansweredReason(cause);
    logger.error(`The websocket to Slack broke (${why}); another one is opened.`);
  };
  return {
    logger: { ...logger, error },
    end: () => TOLD_OF_SOCKETS.forEach((channel) => unsubscribe(channel, note)),
  };
}

/** Longer than Slack's hello. */
const HELLO_CHARS = 2_000;

/**
 * What a message on the websocket says of other connections of this app: Slack's hello counts them. Standbys of one store
 * have none, so they belong to a bot on another one.
 */
export function sharedWarning(data: unknown): string | undefined {
  if (typeof data !== 'string' || data.length > HELLO_CHARS) return undefined;
  const count = Number(/"num_connections":\s*(\d{1,4})\b/.exec(data)?.[1] ?? 1);
  return count > 1
    ? `Slack counts ${count} connections of this app, and this process has one: unless another ended just now, a bot on another store takes a part of what people send. Each bot needs an app of its own, or all of them one store.`
    : undefined;
}

/**
 * Slack's refusal to give an address, told and then tried again like a missing answer: over some
 * words the socket's client tries for ever by itself, and over others it gives up, for good where it was connected once.
 */
function retriedWhenRefused(ask: FetchFunction, notify: (said: string) => void): FetchFunction {
  return async (url, init) => {
    const response = await ask(url, init);
    if (response.status !== 200) return response;
    const body = await response.text();
    const said = z.object({ error: z.string() }).safeParse(parseJson(body)).data?.error;
    if (said === undefined) return new Response(body);
    notify(said);
    throw new Error(`Slack gives no address for a websocket (${said})`);
  };
}
