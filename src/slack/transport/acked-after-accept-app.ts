import bolt from '@slack/bolt';
import type { ReceiverEvent } from '@slack/bolt';
import { StoreError } from '../../errors.ts';

/** A listener's word on one delivery: withheld means that it was not accepted and Slack shall bring it again. */
export interface DeliveryTicket {
  withhold: (why: unknown) => void;
}

/** The ticket of a delivery that a `DurableApp` gave to its listeners. */
export function ticketOf(context: Record<string, unknown>): DeliveryTicket {
  const { delivery } = context;
  if (!isTicket(delivery)) throw new Error('a delivery without its ticket');
  return delivery;
}

function isTicket(value: unknown): value is DeliveryTicket {
  return typeof value === 'object' && value !== null && 'withhold' in value;
}

/**
 * Bolt acknowledges events before any listener runs (slack.md §4), so a crash in between would lose a snippet that
 * Slack believes delivered. Here the acknowledgement of an event waits for its listeners: it is sent when the ledger
 * has the snippet or it was judged not ours, and never when a listener withheld it.
 */
export class DurableApp extends bolt.App {
  override async processEvent(event: ReceiverEvent): Promise<void> {
    const { type } = event.body;
    if (type === 'app_rate_limited') {
      // Only a notice: nothing of ours answers it, and unanswered it would count as a failure of the app.
      this.logger.warn('Slack holds events back for a while: there were too many (app_rate_limited)');
      await event.ack();
      return;
    }
    if (type !== 'event_callback') {
      await super.processEvent(event);
      return;
    }
    let withheld: unknown;
    const delivery: DeliveryTicket = { withhold: (why) => (withheld ??= why) };
    await super.processEvent({
      ...event,
      ack: async () => {},
      customProperties: { ...event.customProperties, delivery },
    });
    if (withheld === undefined) await event.ack();
    else
      throw withheld instanceof Error
        ? withheld
        : new StoreError('silent', 'the delivery was not accepted', withheld);
  }
}
