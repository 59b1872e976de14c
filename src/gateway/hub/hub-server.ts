import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { GatewayError } from '../errors.ts';
import type { Log, GatewaySettings, HubSettings } from '../gateway.ts';
import { readEndpoints } from '../http/endpoints.ts';
import { type Answer, isGatewayAway, mayBeFromHub, readReason, readRefusal } from '../http/http-errors.ts';
import { createHttp, type Http } from '../http/http.ts';
import { readJson } from '../protocol/json.ts';
import type { GatewayTimings } from '../timings.ts';
import { timeoutSignal } from '../until-aborted.ts';

type ServerState = 'ready' | 'pending' | 'stopped';

const userModel = z.object({
  servers: z.record(z.string(), z.object({ ready: z.boolean(), pending: z.string().nullish() })).optional(),
});

/** A start that failed is one event, after line breaks that keep the connection open. */
const EVENT = 'data: ';
const failedEvent = z.object({ failed: z.literal(true) });

export interface HubServerOptions {
  mayWrite: () => boolean;
  hide?: ((text: string) => string) | undefined;
  timings: GatewayTimings;
  log: Log;
}

/**
 * The JupyterHub user's server that is the gateway. The hub stops it when it is idle, and only this client starts it
 * again. Source: jupyterhub's `apihandlers/users.py`.
 */
export class HubServer {
  readonly #hub: HubSettings;
  readonly #http: Http;
  readonly #hide: (body: string) => string;
  readonly #launchTimeoutMs: number;
  readonly #options: HubServerOptions;
  readonly #closing = new AbortController();
  #start: { sinceMs: number; done: Promise<void> } | undefined;

  constructor(hub: HubSettings, settings: GatewaySettings, options: HubServerOptions) {
    this.#hub = hub;
    this.#options = options;
    this.#launchTimeoutMs = settings.launchTimeoutMs;
    const { user: _user, pass: _pass, authHeader: _header, authScheme: _scheme, ...rest } = settings;
    const ofHub: GatewaySettings = {
      ...rest,
      httpUrl: hub.apiUrl,
      wsUrl: hub.apiUrl,
      token: hub.token,
      headers: {},
      proxies: { rest: hub.proxy },
    };
    const endpoints = readEndpoints(ofHub, undefined, options.hide);
    this.#hide = endpoints.hide;
    this.#http = createHttp(ofHub, endpoints, options.mayWrite);
  }

  /**
   * Wraps `http`: for a response that may have come in place of the server, it asks the hub. 424 if the server is
   * stopped; 503 if it runs, because then the hub's proxy has lost its route for a moment, as after a restart.
   */
  markStopped(http: Http): Http {
    return {
      ...http,
      call: async (wanted) => {
        const answer = await http.call(wanted);
        const isFromHub = mayBeFromHub(answer);
        if (!isFromHub && answer.status !== 503) return answer;
        const state = await this.#look(wanted.signal).catch((error: unknown) => {
          if (isFromHub) throw error;
        });
        return state === undefined ? answer : { ...answer, status: state === 'ready' ? 503 : 424 };
      },
    };
  }

  /**
   * Resolves when the server runs; concurrent callers share one start. `onStarting` gets the time (ms since the epoch)
   * when the start began. Rejects with `GatewayError`, at the latest after the launch timeout.
   */
  async start(onStarting?: (sinceMs: number) => void): Promise<void> {
    this.#start ??= {
      sinceMs: Date.now(),
      done: this.#startOnce().finally(() => (this.#start = undefined)),
    };
    const { sinceMs, done } = this.#start;
    onStarting?.(sinceMs);
    await done;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#http.close();
  }

  async #startOnce(): Promise<void> {
    const { log, timings } = this.#options;
    const startedMs = performance.now();
    const until = AbortSignal.any([this.#closing.signal, timeoutSignal(this.#launchTimeoutMs)]);
    let isAsked = false;
    let refusal = '';
    while (!until.aborted) {
      const state = await this.#look(until).catch((error: unknown) => {
        if (until.aborted) return 'away' as const;
        // A restarted hub continues a start that it was asked for.
        if (isAsked && error instanceof GatewayError && error.code === 'unreachable') return 'away' as const;
        throw error;
      });
      if (state === 'ready') {
        const ms = Math.round(performance.now() - startedMs);
        if (isAsked) log.info({ event: 'hub.started', ms }, 'JupyterHub has started the server');
        return;
      }
      if (state === 'stopped' && isAsked)
        throw notStarted((await this.#whyFailed(until)) || 'it has stopped again; the hub’s log says why');
      if (state === 'stopped') {
        const answer = await this.#ask(refusal);
        if (answer === 'running') return;
        isAsked = answer === 'begun';
        refusal = answer === 'begun' ? '' : answer.refusal;
      }
      await delay(timings.hubLookMs, undefined, { signal: until }).catch(() => undefined);
    }
    const said = refusal === '' ? '' : ` (${refusal})`;
    throw notStarted(`it does not run after ${this.#launchTimeoutMs / 1000} s${said}`);
  }

  async #look(signal: AbortSignal | undefined): Promise<ServerState> {
    const answer = await this.#call('GET', `users/${this.#user}`, signal);
    if (answer.status !== 200) throw readHubRefusal(answer, 'to look at its user');
    const servers = userModel.safeParse(readJson(answer.body)).data?.servers;
    if (servers === undefined) throw readHubRefusal({ status: 403, body: '' }, 'to see its user’s servers');
    const server = servers[this.#hub.server];
    if (server === undefined) return 'stopped';
    // It starts or stops, or a hub that has just started looks whether it runs.
    if (server.pending) return 'pending';
    return server.ready ? 'ready' : 'stopped';
  }

  /** Requests the start. `refusal`: why it cannot begin yet; `before`: what that was at the last request. */
  async #ask(before: string): Promise<'running' | 'begun' | { refusal: string }> {
    const answer = await this.#call('POST', this.#path, undefined);
    if (answer.status === 201) return 'running';
    if (answer.status === 202) return 'begun';
    const refusal = readReason(answer);
    // Once, it may run or start since it was looked at.
    if (answer.status === 400 && refusal !== '' && refusal === before) throw notStarted(refusal);
    // It runs or is starting already, or the hub starts others first.
    if (answer.status === 400 || answer.status === 429 || isGatewayAway(answer.status)) return { refusal };
    if (answer.status >= 500) throw notStarted(refusal || `status ${answer.status}`);
    throw readHubRefusal(answer, 'to start its server');
  }

  /** Why the last start failed, in the hub's words: the one event of its progress then. '' if it does not say. */
  async #whyFailed(signal: AbortSignal): Promise<string> {
    const answer = await this.#call('GET', `${this.#path}/progress`, signal).catch(() => undefined);
    const event = (answer?.body ?? '').split('\n').find((line) => line.startsWith(EVENT));
    const body = this.#hide(event?.slice(EVENT.length) ?? '');
    if (!failedEvent.safeParse(readJson(body)).success) return '';
    // Before the colon it says that the start failed.
    return readReason({ status: 200, body }).split(': ').slice(1).join(': ');
  }

  #call(method: 'GET' | 'POST', path: string, signal: AbortSignal | undefined): Promise<Answer> {
    // The hub answers a start after 10 s even if it is not finished (slow_spawn_timeout).
    const timeoutMs = this.#options.timings.callMs * (method === 'POST' ? 3 : 1);
    return this.#http.call({ method, path, timeoutMs, signal });
  }

  get #user(): string {
    return encodeURIComponent(this.#hub.user);
  }

  get #path(): string {
    const { server } = this.#hub;
    return server === ''
      ? `users/${this.#user}/server`
      : `users/${this.#user}/servers/${encodeURIComponent(server)}`;
  }
}

function notStarted(why: string): GatewayError {
  return new GatewayError('startFailed', `JupyterHub could not start the server: ${why.slice(0, 300)}`);
}

function readHubRefusal(answer: Answer, what: string): GatewayError {
  const { code, status } = readRefusal(answer, what);
  const reason = readReason(answer);
  const said = reason === '' ? `status ${status}` : `status ${status}: ${reason}`;
  if (code === 'unreachable')
    return new GatewayError(code, `JupyterHub is not there behind its proxy (${said})`, { status });
  return new GatewayError(code, `JupyterHub does not allow us ${what} (${said})`, { status });
}
