/**
 * What Slack sends to the app and what becomes of it. Events that are not acknowledged in time are repeated with the
 * same event_id (slack.md §4); commands and interactions are sent once.
 */
import { randomUUID } from 'node:crypto';
import type { Changes } from './changes.ts';
import type { Timers } from './timers.ts';

type DeliveryKind = 'events_api' | 'slash_commands' | 'interactive';

export interface Parcel {
  readonly envelopeId: string;
  readonly kind: DeliveryKind;
  readonly body: Readonly<Record<string, unknown>>;
  /** 0 for the first, 1..3 for repeats. */
  readonly attempt: number;
  readonly retryReason: string;
}

export type Reception =
  | { readonly kind: 'acked'; readonly payload: unknown }
  /** `noRetry` when the app asked not to be told again (`x-slack-no-retry`). */
  | { readonly kind: 'failed'; readonly reason: string; readonly noRetry?: boolean };

export interface Transport {
  /** Whether anything is there to take a parcel. */
  readonly isReady: boolean;
  /** Never rejects. May settle long after Slack has given up; that is recorded too. */
  send(parcel: Parcel): Promise<Reception>;
}

export interface Delivery extends Parcel {
  /** The event's type (`message`, `app_mention`), the command (`/spark`) or the interaction's type. */
  readonly name: string;
  readonly eventId: string | undefined;
  readonly sentAtMs: number;
  /** `undeliverable`: nothing was there to take it. `timedOut`: not acknowledged in time. */
  state: 'sent' | 'acked' | 'timedOut' | 'failed' | 'undeliverable';
  /** From sending to acknowledgement; also of a late one. */
  ackAfterMs?: number;
  /** What the acknowledgement carried. */
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

  /** Repeats now what waits to be repeated; returns how many. */
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

  async #send(parcel: Parcel, name: string): Promise<Delivery> {
    if (this.#frozen !== undefined) await this.#frozen.promise;
    const eventId = parcel.body['event_id'];
    const delivery: Delivery = {
      ...parcel,
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
      this.#receive(delivery, await this.#transport.send(parcel));
      cancel();
      settled.resolve();
      this.#changes.announce();
    };
    void receive();
    await settled.promise;
    this.#changes.announce();
    return delivery;
  }

  #receive(delivery: Delivery, reception: Reception): void {
    if (reception.kind === 'acked') {
      delivery.ackAfterMs = performance.now() - delivery.sentAtMs;
      delivery.ackPayload = reception.payload;
      if (delivery.state === 'sent') delivery.state = 'acked';
    } else if (delivery.state === 'sent') {
      delivery.state = 'failed';
      delivery.failure = reception.noRetry === true ? 'no_retry' : reception.reason;
    }
  }
}
