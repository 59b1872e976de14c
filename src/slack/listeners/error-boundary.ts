import type { BlockAction } from '@slack/bolt';
import { StoreError, UserError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { brokenText, refusalMrkdwn, refusalText } from '../blocks/error-text.ts';
import type { Notify } from '../api/notify.ts';
import type { Acknowledgement } from './deadline.ts';
import type { EventTicket } from '../transport/acked-after-accept-app.ts';

export interface Boundary {
  log: Log;
  /** For the log, where it is a bug: `a slash command`. */
  what: string;
  /** Says it where the person waits for it. Undefined: nobody asked, so nobody is told. */
  notify: ((text: string, error: unknown) => Promise<unknown>) | undefined;
  /** A modal shows plain text, a message mrkdwn (the default). */
  format?: 'plain' | 'mrkdwn';
  /** Told the error of what was refused or failed, for the audit. */
  onRefused?: (error: unknown) => void;
  /** Of an event: Slack repeats one that is left unacknowledged, so a silent store needs no words. */
  ticket?: EventTicket;
}

/** `left`: the event is not acknowledged, so Slack brings it again. */
export type Outcome = 'done' | 'refused' | 'left';

/**
 * The one place where errors of listeners end: a refusal is worded for the person, a bug goes to the log. Never
 * rejects.
 */
export async function withBoundary(boundary: Boundary, act: () => Promise<void>): Promise<Outcome> {
  const { log, what, notify, ticket, format, onRefused } = boundary;
  const leave = (error: StoreError): Outcome => {
    log.warn({ event: 'request.unaccepted', err: error }, `${what} was not accepted`);
    ticket?.leaveUnacknowledged(error);
    return 'left';
  };
  try {
    await act();
    return 'done';
  } catch (error) {
    if (ticket !== undefined && error instanceof StoreError) return leave(error);
    onRefused?.(error);
    const text = format === 'plain' ? refusalText(error) : refusalMrkdwn(error);
    if (text === undefined) log.error({ event: 'request.broken', err: error }, `${what} broke`);
    else if (!(error instanceof UserError))
      log.warn({ event: 'request.failed', err: error }, `${what} failed`);
    try {
      await notify?.(text ?? brokenText, error);
    } catch (failure) {
      if (ticket !== undefined && failure instanceof StoreError) return leave(failure);
      log.warn(
        { event: 'request.untold', err: failure },
        `${what} was refused, and the person could not be told`,
      );
    }
    return 'refused';
  }
}

/**
 * Tells the person where the button or shortcut was pressed: in the thread, in the channel, else by direct message.
 * `reply` is sent before that.
 */
export function notifyPerson(
  notify: Notify,
  where: { channel: string | undefined; thread?: string | undefined; user: string },
  reply?: Acknowledgement,
): (text: string) => Promise<void> {
  return async (text) => {
    await reply?.send();
    await notify.person(where, text);
  };
}

/** The thread of the message that a pressed button is in. */
export function threadOf({ container, message }: BlockAction): string | undefined {
  const thread: unknown = container.type === 'message' ? message?.['thread_ts'] : undefined;
  return typeof thread === 'string' ? thread : undefined;
}
