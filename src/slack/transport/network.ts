import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { type FetchFunction, type Logger, LogLevel, type RetryOptions, WebClient } from '@slack/web-api';
import {
  Agent,
  buildConnector,
  type Dispatcher,
  fetch as fetchThrough,
  Pool,
  ProxyAgent,
  request,
} from 'undici';
import { StoreError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { proxyFor, type ProxySettings } from '../../proxy.ts';
import type { WriteGuard } from '../../runs/session/run/execute-run.ts';

/** The options of a request to Slack, as the global fetch takes them. */
export interface SlackRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | ReadableStream<Uint8Array>;
  duplex?: 'half';
  redirect?: 'error' | 'follow' | 'manual';
  window?: null;
  signal?: AbortSignal;
}

export type SlackFetch = (url: string | URL, init?: SlackRequest) => Promise<Response>;

/** How this process reaches Slack. */
export interface SlackNetwork {
  /** For the Web API. */
  call: FetchFunction;
  /** For uploads and downloads. */
  fetch: SlackFetch;
  /** For Socket Mode's websocket; undefined: the client's own. */
  socketDispatcher: Dispatcher | undefined;
}

const PROXY_ANSWER_MS = 10_000;
const CALL_TIMEOUT_MS = 10_000;

/** `answerMs`: the limit of a call that brings none of its own, which is one to a `response_url`. */
export function openSlackNetwork(proxy: ProxySettings | undefined, answerMs = CALL_TIMEOUT_MS): SlackNetwork {
  if (proxy === undefined) {
    const call = callThrough(new Agent({ allowH2: false }), answerMs);
    return { call, fetch: globalThis.fetch, socketDispatcher: undefined };
  }
  const dispatcher = byAddress(
    proxy,
    new ProxyAgent({
      uri: proxy.url,
      requestTls: { allowH2: false },
      // Calls wait behind connections that are being opened, so a connection to a silent proxy has to time out.
      clientFactory: (origin, options) => new Pool(origin, { ...options, headersTimeout: PROXY_ANSWER_MS }),
    }),
    new Agent({ allowH2: false }),
  );
  return {
    call: callThrough(dispatcher, answerMs),
    // The global fetch takes no dispatcher of another version of undici.
    fetch: async (url, init) => await fetchThrough(url, { ...init, dispatcher }),
    socketDispatcher: openSocketDispatcher(proxy),
  };
}

/**
 * Calls the Web API without the streams, copies and checks of fetch, which take two fifths of the time of a call
 * (docs/performance.md). An answer can be read more than once.
 */
function callThrough(dispatcher: Dispatcher, answerMs: number): FetchFunction {
  return async (url, { headers = {}, body, signal = AbortSignal.timeout(answerMs) } = {}) => {
    if (body instanceof FormData) throw new TypeError('a call of the Web API has no files');
    // Without this header a server or a proxy may compress the answer.
    const asked = { 'accept-encoding': 'identity', ...headers };
    const sent = { method: 'POST', headers: asked, body: body ?? '', dispatcher, signal } as const;
    const answer = await request(url, sent);
    const { statusCode: status, statusText, headers: told } = answer;
    const ok = status >= 200 && status < 300;
    const shown: Answer['headers'] = {
      get: (name) => told[name.toLowerCase()]?.toString() ?? null,
      entries: () => Object.entries(told).map(([name, value]) => [name, String(value)]),
    };
    const text = await answer.body.text();
    return answerOf({ ok, status, statusText, url: String(url), headers: shown }, text);
  };
}

type Answer = Awaited<ReturnType<FetchFunction>>;

/** An answer of the Web API with this text. */
export function answerOf(head: Omit<Answer, 'text' | 'json' | 'arrayBuffer'>, text: string): Answer {
  return {
    ...head,
    text: async () => text,
    json: async (): Promise<unknown> => JSON.parse(text),
    arrayBuffer: async () => new TextEncoder().encode(text).buffer,
  };
}

/** Slack has many hosts: each request goes through the proxy or not, by its own address. */
function byAddress(proxy: ProxySettings, through: Dispatcher, direct: Dispatcher): Dispatcher {
  return direct.compose((dispatch) => (options, handler) => {
    const isDirect = proxyFor(String(options.origin), proxy) === undefined;
    return isDirect ? dispatch(options, handler) : through.dispatch(options, handler);
  });
}

/**
 * Socket Mode has one websocket at a time. With a dispatcher that is not its own, the client cannot end a websocket
 * whose other side is silent, so the previous connections are closed here when the next one is asked for.
 */
function openSocketDispatcher(proxy: ProxySettings): Dispatcher {
  const opened = new Set<Socket>();
  const connector = buildConnector({ allowH2: false });
  const connect: buildConnector.connector = (options, callback) =>
    connector(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      opened.add(socket);
      socket.once('close', () => opened.delete(socket));
      callback(null, socket);
    });
  const through = new ProxyAgent({
    uri: proxy.url,
    requestTls: { allowH2: false },
    clientFactory: (origin) => new Pool(origin, { connect, headersTimeout: PROXY_ANSWER_MS }),
  });
  const dispatcher = byAddress(proxy, through, new Agent({ connect }));
  return dispatcher.compose((dispatch) => (options, handler) => {
    for (const socket of opened) socket.destroy();
    return dispatch(options, handler);
  });
}

/** The methods that change nothing: a standby, and a leader whose lease is in doubt, may call them. */
const READS: ReadonlySet<string> = new Set([
  'apps.connections.open',
  'auth.test',
  'conversations.history',
  'conversations.info',
  'conversations.replies',
  'files.info',
  'usergroups.users.list',
  'users.conversations',
  'users.info',
]);

/**
 * Every call of the Web API goes through this. A call that changes something waits until this process is surely the
 * leader. A response_url, whose end is no method's name, does not wait: like an acknowledgement it tells one person what
 * became of what they did with this process.
 */
export function guardWrites(fetch: FetchFunction, guard: WriteGuard): FetchFunction {
  return async (url, init) => {
    const method = new URL(url).pathname.split('/').at(-1) ?? '';
    if (method.includes('.') && !READS.has(method)) while (!guard.mayWrite()) await guard.whenSure();
    return await fetch(url, init);
  };
}

/** A trigger_id expires after 3 s, so longer retries would be useless. */
const FEW_RETRIES: RetryOptions = { retries: 2, factor: 2, minTimeout: 200, maxTimeout: 1_000 };

/**
 * A client for one purpose, because a 429 pauses a client's whole queue. With `isUrgent` a 429 fails at once instead,
 * for callers that cannot wait.
 */
export function openClient(
  { botToken, apiUrl }: { botToken: string; apiUrl?: string | undefined },
  log: Log,
  { fetch = globalThis.fetch, isUrgent, isQuiet = false, ...limits }: ClientOptions,
): WebClient {
  return new WebClient(botToken, {
    ...clientOptions(apiUrl, fetch),
    ...limits,
    rejectRateLimitedCalls: isUrgent,
    logger: boltLogger(log, isQuiet),
  });
}

interface ClientOptions {
  /** By default the global one. */
  fetch?: FetchFunction | undefined;
  isUrgent: boolean;
  /** The caller logs failed calls itself. */
  isQuiet?: boolean;
  timeout?: number;
  retryConfig?: RetryOptions;
}

export function clientOptions(apiUrl: string | undefined, fetch: FetchFunction) {
  return {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    fetch,
    timeout: CALL_TIMEOUT_MS,
    retryConfig: FEW_RETRIES,
  };
}

/**
 * Writes the log lines of Bolt and its clients into our log. Their "info" is our "debug". Their "debug" is dropped: it
 * contains whole payloads, with code and typed passwords.
 */
export function boltLogger(log: Log, isQuiet = false): Logger {
  const info = say((line) => log.debug({ event: 'slack.told' }, line));
  return {
    debug: () => {},
    info,
    warn: isQuiet ? info : say((line) => log.warn({ event: 'slack.warned' }, line)),
    error: isQuiet ? info : say((line) => log.error({ event: 'slack.failed' }, line)),
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

/** For the receivers' error handlers. An event that the store did not accept is logged where that is noticed. */
export function logUnhandled(error: Error, logger: Logger): void {
  if (!(error instanceof StoreError)) logger.error(`a payload could not be handled: ${error.message}`);
}
