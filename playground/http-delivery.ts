/** Slack's end of the HTTP mode: signed POSTs to the app's request URL. */
import { createHmac } from 'node:crypto';
import type { Parcel, Reception, Transport } from './deliveries.ts';

interface HttpRules {
  readonly signingSecret: string;
  readonly ackTimeoutMs: number;
}

export class HttpDelivery implements Transport {
  readonly isReady = true;
  readonly #requestUrl: string;
  readonly #rules: HttpRules;

  constructor(requestUrl: string, rules: HttpRules) {
    this.#requestUrl = requestUrl;
    this.#rules = rules;
  }

  async send(parcel: Parcel): Promise<Reception> {
    const retries: Record<string, string> =
      parcel.attempt === 0
        ? {}
        : {
            'x-slack-retry-num': String(parcel.attempt),
            'x-slack-retry-reason': retryReason(parcel.retryReason),
          };
    try {
      const response = await this.#post(encoded(parcel), retries);
      const text = await response.text();
      if (response.ok) return { kind: 'acked', payload: payloadOf(text) };
      const noRetry = response.headers.get('x-slack-no-retry') === '1';
      return { kind: 'failed', reason: 'http_error', noRetry };
    } catch (error) {
      const timedOut = error instanceof Error && error.name === 'TimeoutError';
      return { kind: 'failed', reason: timedOut ? 'http_timeout' : 'connection_failed' };
    }
  }

  /** The handshake that Slack makes when a request URL is set; true when the challenge came back. */
  async verify(): Promise<boolean> {
    const challenge = 'the-playground-asks';
    const body = JSON.stringify({ token: 'playground', type: 'url_verification', challenge });
    const response = await this.#post({ body, type: 'application/json' }, {});
    return response.ok && (await response.text()).includes(challenge);
  }

  #post(content: { body: string; type: string }, headers: Record<string, string>): Promise<Response> {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return fetch(this.#requestUrl, {
      method: 'POST',
      body: content.body,
      redirect: 'error',
      signal: AbortSignal.timeout(this.#rules.ackTimeoutMs),
      headers: {
        'content-type': content.type,
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': signature(this.#rules.signingSecret, timestamp, content.body),
        ...headers,
      },
    });
  }
}

/** Slack's v0 signature of a request body. */
export function signature(secret: string, timestamp: string, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
}

function retryReason(reason: string): string {
  return reason === 'timeout' ? 'http_timeout' : reason;
}

function encoded(parcel: Parcel): { body: string; type: string } {
  const form = 'application/x-www-form-urlencoded';
  if (parcel.kind === 'events_api') return { body: JSON.stringify(parcel.body), type: 'application/json' };
  if (parcel.kind === 'interactive') {
    return { body: new URLSearchParams({ payload: JSON.stringify(parcel.body) }).toString(), type: form };
  }
  const fields = Object.entries(parcel.body).map(([name, value]): [string, string] => [name, String(value)]);
  return { body: new URLSearchParams(fields).toString(), type: form };
}

function payloadOf(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
