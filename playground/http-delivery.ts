/** Slack's side of the HTTP mode: signed POSTs to the app's request URL. */
import { createHmac } from 'node:crypto';
import type { Envelope, DeliveryResult, Transport } from './deliveries.ts';

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

  async send(envelope: Envelope): Promise<DeliveryResult> {
    const retries: Record<string, string> =
      envelope.attempt === 0
        ? {}
        : {
            'x-slack-retry-num': String(envelope.attempt),
            'x-slack-retry-reason': retryReason(envelope.retryReason),
          };
    try {
      const response = await this.#post(encoded(envelope), retries);
      const text = await response.text();
      if (response.ok) return { kind: 'acked', payload: payloadOf(text) };
      const noRetry = response.headers.get('x-slack-no-retry') === '1';
      return { kind: 'failed', reason: 'http_error', noRetry };
    } catch (error) {
      const timedOut = error instanceof Error && error.name === 'TimeoutError';
      return { kind: 'failed', reason: timedOut ? 'http_timeout' : 'connection_failed' };
    }
  }

  /** The handshake of a new request URL; true if the challenge came back. */
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

function encoded(envelope: Envelope): { body: string; type: string } {
  const form = 'application/x-www-form-urlencoded';
  if (envelope.kind === 'events_api')
    return { body: JSON.stringify(envelope.body), type: 'application/json' };
  if (envelope.kind === 'interactive') {
    return { body: new URLSearchParams({ payload: JSON.stringify(envelope.body) }).toString(), type: form };
  }
  const fields = Object.entries(envelope.body).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
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
