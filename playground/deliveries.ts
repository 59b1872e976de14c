/**
 * Sends payloads to the app. Events that are not acknowledged in time are repeated with the same event_id (slack.md
 * §4); commands and interactions are sent once.
 */
import { randomUUID } from 'node:crypto';
import type { Changes } from './changes.ts';
import type { Timers } from './timers.ts';

type DeliveryKind = 'events_api' | 'slash_commands' | 'interactive';

export interface Envelope {
  readonly envelopeId: string;
  readonly kind: DeliveryKind;
  readonly body: Readonly<Record<string, unknown>>;
  /** 0 for the first, 1..3 for repeats. */
  readonly attempt: number;
  readonly retryReason: string;
}

export type DeliveryResult =
  | { readonly kind: 'acked'; readonly payload: unknown }
  /** `noRetry`: the app asked for no repeats (`x-slack-no-retry`). */
  | { readonly kind: 'failed'; readonly reason: string; readonly noRetry?: boolean };

export interface Transport {
  /** Whether the app can receive anything. */
  readonly isReady: boolean;
  /** Never rejects. May settle long after Slack has given up, which is recorded, too. */
  send(envelope: Envelope): Promise<DeliveryResult>;
}

export interface Delivery extends Envelope {
  /** The event's type (`message`, `app_mention`), the command (`/spark`) or the interaction's type. */
  readonly name: string;
  readonly eventId: string | undefined;
  readonly sentAtMs: number;
  /** `undeliverable`: the app could not receive it. `timedOut`: it was not acknowledged in time. */
  state: 'sent' | 'acked' | 'timedOut' | 'failed' | 'undeliverable';
  /** From sending to acknowledgement, also a late one. */
  ackAfterMs?: number;
  /** The payload of the acknowledgement. */
  ackPayload?: unknown;
  failure?: string;
}

interface DeliveryRules {
  readonly ackTimeoutMs: number;
  readonly retryDelaysMs: readonly number[];
}

export class Deliveries {
  readonly all: Delivery[] = [];
  readonly #transport: Transport;
  readonly #rules: DeliveryRules;
  readonly #timers: Timers;
  readonly #changes: Changes;
  readonly #waitingRetries = new Map<() => void, () => void>();
  #frozen: PromiseWithResolvers<void> | undefined;

  constructor(transport: Transport, rules: DeliveryRules, timers: Timers, changes: Changes) {
    this.#transport = transport;
    this.#rules = rules;
    this.#timers = timers;
    this.#changes = changes;
  }

  /** Sends an event and repeats it as Slack does. Returns at once. */
  event(name: string, body: Readonly<Record<string, unknown>>): void {
    void this.#attempt(name, body, 0, '');
  }

  /** Sends a command or an interaction once; settles when it is acknowledged or Slack has given up. */
  once(
    kind: 'slash_commands' | 'interactive',
    name: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Delivery> {
    return this.#send({ envelopeId: randomUUID(), kind, body, attempt: 0, retryReason: '' }, name);
  }

  /** Makes all pending repeats now; returns how many. */
  retryNow(): number {
    const waiting = [...this.#waitingRetries];
    for (const [run, cancel] of waiting) {
      cancel();
      run();
    }
    return waiting.length;
  }

  get pendingRetries(): number {
    return this.#waitingRetries.size;
  }

  /** Nothing is sent until `thaw`. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers<void>();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  async #attempt(
    name: string,
    body: Readonly<Record<string, unknown>>,
    attempt: number,
    retryReason: string,
  ): Promise<void> {
    const delivery = await this.#send(
      { envelopeId: randomUUID(), kind: 'events_api', body, attempt, retryReason },
      name,
    );
    const delayMs = this.#rules.retryDelaysMs[attempt];
    if (delivery.state === 'acked' || delivery.failure === 'no_retry' || delayMs === undefined) return;
    const reason = delivery.failure ?? (delivery.state === 'timedOut' ? 'timeout' : 'connection_failed');
    const run = () => {
      this.#waitingRetries.delete(run);
      void this.#attempt(name, body, attempt + 1, reason);
    };
    this.#waitingRetries.set(run, this.#timers.after(delayMs, run));
    this.#changes.announce();
  }

  async #send(envelope: Envelope, name: string): Promise<Delivery> {
    if (this.#frozen !== undefined) await this.#frozen.promise;
    const eventId = envelope.body['event_id'];
    const delivery: Delivery = {
      ...envelope,
      name,
      eventId: typeof eventId === 'string' ? eventId : undefined,
      sentAtMs: performance.now(),
      state: this.#transport.isReady ? 'sent' : 'undeliverable',
    };
    this.all.push(delivery);
    this.#changes.announce();
    if (delivery.state === 'undeliverable') return delivery;
    const settled = Promise.withResolvers<void>();
    const cancel = this.#timers.after(this.#rules.ackTimeoutMs, () => {
      delivery.state = 'timedOut';
      settled.resolve();
    });
    const receive = async () => {
      this.#receive(delivery, await this.#transport.send(envelope));
      cancel();
      settled.resolve();
      this.#changes.announce();
    };
    void receive();
    await settled.promise;
    this.#changes.announce();
    return delivery;
  }

  #receive(delivery: Delivery, result: DeliveryResult): void {
    if (result.kind === 'acked') {
      delivery.ackAfterMs = performance.now() - delivery.sentAtMs;
      delivery.ackPayload = result.payload;
      if (delivery.state === 'sent') delivery.state = 'acked';
    } else if (delivery.state === 'sent') {
      delivery.state = 'failed';
      delivery.failure = result.noRetry === true ? 'no_retry' : result.reason;
    }
  }
}
