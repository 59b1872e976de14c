import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import receiverModule from '@slack/bolt/dist/receivers/SocketModeReceiver.js';
import type { FetchFunction, Logger, RetryOptions } from '@slack/web-api';
import { z } from 'zod';
import type { Health } from '../../server/health.ts';
import { parseJson } from '../../text.ts';
import { readErrorCode, tokenRefused, unansweredReason } from '../api/call-error.ts';
import type { SlackTransport } from './acked-after-accept-app.ts';
import { clientOptions, logUnhandled, type SlackNetwork } from './network.ts';

export interface SocketModeOptions {
  appToken: string;
  apiUrl: string | undefined;
  fetch: FetchFunction;
  /** For the websocket; undefined: the client's own. */
  dispatcher: SlackNetwork['socketDispatcher'];
  logger: Logger;
}

/**
 * A dropped socket is noticed after this time, and the next one opens after the same time again; slash commands fail in
 * between. With a shorter time a busy second could be taken for a dead socket.
 */
const SOCKET_PING_MS = 2_000;

/**
 * An `apps.connections.open` whose tries are used up ends the process, so it is tried for ever. Without a ceiling the
 * pauses between tries would outgrow the outage.
 */
const UNTIL_SLACK_IS_BACK: RetryOptions = { forever: true, factor: 1.3, minTimeout: 500, maxTimeout: 15_000 };

/** Receives payloads by Socket Mode. The client of the socket retries for longer than that of the app. */
export function createSocketMode(options: SocketModeOptions): SlackTransport {
  const { appToken, apiUrl, logger } = options;
  const refused = Promise.withResolvers<never>();
  // Nobody awaits this once the socket is open.
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
    async processEventErrorHandler({ error }) {
      logUnhandled(error, logger);
      return false;
    },
    installerOptions: {
      clientOptions: {
        ...clientOptions(apiUrl, retriedWhenRefused(options.fetch, notifyRefused)),
        retryConfig: UNTIL_SLACK_IS_BACK,
      },
    },
  });
  receiver.client.on('connected', () => {
    // This connection was being opened when `close` was called.
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

/**
 * undici's diagnostics channels, which tell why a websocket failed; its events do not. In this process undici opens
 * websockets to Slack only.
 */
const DIAGNOSTICS = ['undici:request:error', 'undici:request:headers', 'undici:websocket:socket_error'];

const upgradeSchema = z.object({
  request: z.object({ upgrade: z.literal('websocket') }),
  error: z.instanceof(Error).optional(),
  response: z.object({ statusCode: z.number() }).optional(),
});

/** The client logs a broken websocket twice, without the cause. This logger writes it once, with the cause. */
export function withCauses(logger: Logger): { logger: Logger; end: () => void } {
  let cause: Error | undefined;
  const note = (told: unknown): void => {
    const { error, response } = upgradeSchema.safeParse(told).data ?? {};
    if (told instanceof Error) cause = told;
    else if (response?.statusCode === 101) cause = undefined;
    else if (response !== undefined) cause = new Error(`HTTP ${response.statusCode}`);
    else cause = error ?? cause;
  };
  for (const channel of DIAGNOSTICS) subscribe(channel, note);
  const error = (...words: unknown[]): void => {
    const line = String(words[0]);
    if (line.startsWith('WebSocket error!')) return;
    if (!line.startsWith('WebSocket error occurred')) return logger.error(...words);
    const why = cause === undefined ? 'the connection ended' : unansweredReason(cause);
    logger.error(`The websocket to Slack broke (${why}); another one is opened.`);
  };
  return {
    logger: { ...logger, error },
    end: () => DIAGNOSTICS.forEach((channel) => unsubscribe(channel, note)),
  };
}

/** Slack's hello is shorter. */
const HELLO_CHARS = 2_000;

/**
 * A warning for a hello of Slack that counts other connections of this app. Standbys on the same store have none, so
 * the others belong to a bot on another store.
 */
export function sharedWarning(data: unknown): string | undefined {
  if (typeof data !== 'string' || data.length > HELLO_CHARS) return undefined;
  const count = Number(/"num_connections":\s*(\d{1,4})\b/.exec(data)?.[1] ?? 1);
  return count > 1
    ? `Slack counts ${count} connections of this app, and this process has one: unless another ended just now, a bot on another store takes a part of what people send. Each bot needs an app of its own, or all of them one store.`
    : undefined;
}

/**
 * Reports that Slack refuses to give an address, and has the client try again as if there were no answer. By itself the
 * client tries for ever after some refusals, and after others gives up, for good if it was connected before.
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
