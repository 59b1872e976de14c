import type { AckFn } from '@slack/bolt';
import { StoreError, UserError } from '../../errors.ts';
import { untilAborted } from '../../gateway/until-aborted.ts';
import type { Log } from '../../log.ts';
import { type Asked, auditRefused } from '../auth/audit.ts';
import { BROKEN_TEXT, refusalMrkdwn, refusalText } from '../blocks/refusals.ts';
import type { Bot } from '../context.ts';
import type { EventTicket } from '../transport/acked-after-accept-app.ts';

/**
 * Slack tells a person that an app failed when a payload is not acknowledged within 3 s; what is accepted after that
 * is sent a second time by the person and runs twice. The rest is for the way to Slack.
 */
const DEADLINE_MS = 2_500;

/** The one acknowledgement of a slash command, shortcut, action or view, and the time that is left for it. */
export class Acknowledgement<Response = void> {
  /** Aborts when the time is over, with the sentence for the person. */
  readonly signal: AbortSignal;
  readonly #ack: AckFn<Response>;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #isSent = false;

  constructor(ack: AckFn<Response>, log: Log, deadlineMs = DEADLINE_MS) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#ack = ack;
    this.#log = log;
    const late = new UserError(
      'notTaken',
      'This could not be accepted, nothing ran: it took too long. Try again in a minute.',
    );
    this.#timer = setTimeout(() => controller.abort(late), deadlineMs);
  }

  get isSent(): boolean {
    return this.#isSent;
  }

  /** Sends it once; later calls do nothing. That Slack could not be told does not undo what was done. */
  async send(response?: Response): Promise<void> {
    if (this.#isSent) return;
    this.#isSent = true;
    clearTimeout(this.#timer);
    try {
      await this.#ack(response);
    } catch (error) {
      this.#log.warn({ event: 'payload.unacknowledged', err: error }, 'a payload was not acknowledged');
    }
  }
}

/** What `asked` gives, or the signal's reason where that comes first. */
export async function inTime<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const found = await untilAborted(asked, signal);
  signal?.throwIfAborted();
  return found;
}

export interface Boundary {
  /** For the log, where it is a bug: `a slash command`. */
  what: string;
  /** Says it where the person waits for it. Absent: nobody asked, so nobody is told. */
  notify?: (text: string, error: unknown) => Promise<unknown>;
  /** A modal shows plain text, a message mrkdwn (the default). */
  format?: 'plain' | 'mrkdwn';
  /** What the audit says was refused or failed. Absent: nothing. */
  asked?: Asked;
  /** Of an event: Slack repeats one that is left unacknowledged, so a silent store needs no words. */
  ticket?: EventTicket | undefined;
}

/** `left`: the event is not acknowledged, so Slack brings it again. */
export type Outcome = 'done' | 'refused' | 'left';

/**
 * The one place where errors of listeners end: a refusal is worded for the person, a bug goes to the log. Never
 * rejects.
 */
export async function withBoundary(
  { what, notify, ticket, format, asked }: Boundary,
  bot: Pick<Bot, 'workspace' | 'audit' | 'log'>,
  act: () => Promise<void>,
): Promise<Outcome> {
  const { log } = bot;
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
    if (asked !== undefined) auditRefused(asked, error, bot);
    const text = format === 'plain' ? refusalText(error) : refusalMrkdwn(error);
    if (text === undefined) log.error({ event: 'request.broken', err: error }, `${what} broke`);
    else if (!(error instanceof UserError))
      log.warn({ event: 'request.failed', err: error }, `${what} failed`);
    try {
      await notify?.(text ?? BROKEN_TEXT, error);
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
