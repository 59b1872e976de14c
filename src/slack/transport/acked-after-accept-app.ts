import type { RequestListener } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { App, AppOptions, Receiver, ReceiverEvent } from '@slack/bolt';
// Bolt's index would load Express, too: 4 MB.
import appModule from '@slack/bolt/dist/App.js';
import type { HealthCheck } from '../../server/health.ts';
import type { PayloadCounts } from '../../server/instrument.ts';
import type { ChannelIds } from './channel-ids.ts';

/** Lets a listener leave an event unacknowledged, so that Slack brings it again. */
export interface EventTicket {
  leaveUnacknowledged: (why: Error) => void;
}

/** The ticket that an `AckedAfterAcceptApp` gave to its listeners. */
export function ticketOf(context: Record<string, unknown>): EventTicket {
  const { ticket } = context;
  if (!isTicket(ticket)) throw new Error('an event without its ticket');
  return ticket;
}

function isTicket(value: unknown): value is EventTicket {
  return typeof value === 'object' && value !== null && 'leaveUnacknowledged' in value;
}

/**
 * Bolt acknowledges events before any listener runs, so a crash in between would lose a snippet that Slack believes
 * delivered. Here the acknowledgement of an event waits for its listeners: it is sent once the run store has the
 * snippet or the event is not for the bot, and not at all if a listener leaves it unacknowledged.
 */
export class AckedAfterAcceptApp extends appModule.default {
  readonly #counts: PayloadCounts;
  readonly #channelIds: ChannelIds;
  /** Each resolves with its payload's acknowledgement, or where there will be none. */
  readonly #unanswered = new Set<Promise<void>>();

  /** `counts` counts the payloads; `channelIds` gives listeners the channel ids that they know. */
  constructor(options: AppOptions, counts: PayloadCounts, channelIds: ChannelIds) {
    super(options);
    this.#counts = counts;
    this.#channelIds = channelIds;
  }

  /** Resolves when no payload waits for its acknowledgement. */
  async untilAnswered(): Promise<void> {
    // What lies in the sockets' buffers comes with the next turn.
    await nextTurn();
    while (this.#unanswered.size > 0) await Promise.all(this.#unanswered);
  }

  override async processEvent(given: ReceiverEvent): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#unanswered.add(promise);
    void promise.then(() => this.#unanswered.delete(promise));
    const ack: ReceiverEvent['ack'] = async (response) => {
      await given.ack(response);
      resolve();
    };
    try {
      await this.#process({ ...given, ack });
    } finally {
      resolve();
    }
  }

  async #process(given: ReceiverEvent): Promise<void> {
    const body = this.#channelIds.readPayload(given.body);
    const event = { ...given, body, ack: this.#timed(given.ack) };
    const { type } = event.body;
    if (type === 'app_rate_limited') {
      // No listener takes this notice, and unacknowledged it would count as a failure of the app.
      this.logger.warn('Slack holds events back for a while, because there were too many (app_rate_limited)');
      await event.ack();
      return;
    }
    if (type !== 'event_callback') {
      await super.processEvent(event);
      return;
    }
    let failure: Error | undefined;
    const ticket: EventTicket = { leaveUnacknowledged: (why) => (failure ??= why) };
    await super.processEvent({
      ...event,
      ack: async () => {},
      customProperties: { ...event.customProperties, ticket },
    });
    if (failure !== undefined) {
      this.#counts.unacknowledged();
      throw failure;
    }
    await event.ack();
  }

  /** Measures how long Slack waits for the acknowledgement. */
  #timed(ack: ReceiverEvent['ack']): ReceiverEvent['ack'] {
    const cameAt = performance.now();
    return async (response) => {
      this.#counts.acknowledged((performance.now() - cameAt) / 1_000);
      await ack(response);
    };
  }
}

/** How Slack's payloads reach this process: Socket Mode or signed HTTP. */
export interface SlackTransport {
  /** Hands payloads to Bolt. */
  receiver: Receiver;
  /** Starts to receive payloads. */
  open(app: App): Promise<void>;
  /** Stops receiving payloads. */
  close(): Promise<void>;
  health: HealthCheck;
  /**
   * Signed HTTP only: the handler of `POST /slack/events`. Before `open` and after `close` it answers 503, and Slack
   * repeats.
   */
  requests: RequestListener | undefined;
}
