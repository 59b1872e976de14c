import type { AckFn, RespondFn } from '@slack/bolt';
import { StoreError, UserError } from '../../errors.ts';
import { untilAborted } from '../../gateway/until-aborted.ts';
import type { Log } from '../../log.ts';
import { inThread } from '../api/posted.ts';
import { type Asked, auditRefused } from '../auth/audit.ts';
import { BROKEN_TEXT, refusalMrkdwn, refusalText } from '../blocks/refusals.ts';
import type { Bot } from '../context.ts';
import type { EventTicket } from '../transport/acked-after-accept-app.ts';

/**
 * Slack tells a person that the app failed if a payload is not acknowledged within 3 s. If it were accepted after that,
 * the person would send it again and it would run twice. The rest of the 3 s is for the way to Slack.
 */
const DEADLINE_MS = 2_500;

/** The one acknowledgement of a slash command, shortcut, action or view, and the deadline for it. */
export class Acknowledgement<Response = void> {
  /** Aborts at the deadline, with the sentence for the person, unless it was sent before. */
  readonly signal: AbortSignal;
  readonly #ack: AckFn<Response>;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #isSent = false;

  constructor(ack: AckFn<Response>, log: Log) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#ack = ack;
    this.#log = log;
    const late = new UserError(
      'notTaken',
      'This could not be accepted, nothing ran: it took too long. Try again in a minute.',
    );
    this.#timer = setTimeout(() => controller.abort(late), DEADLINE_MS);
  }

  get isSent(): boolean {
    return this.#isSent;
  }

  /** Sends it once; later calls do nothing. A failure is only logged, because what was done stays done. */
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

/** Awaits `asked`, but rejects with the signal's reason if that aborts first. */
export async function inTime<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const found = await untilAborted(asked, signal);
  signal?.throwIfAborted();
  return found;
}

interface PressedBy {
  reply: Acknowledgement;
  /** Undefined in a modal and on the home tab, which have no response_url. */
  respond: RespondFn | undefined;
  user: string;
  channel: string | undefined;
  thread: string | undefined;
}

/** Whether the store may be silent, and so the lease in doubt, which holds calls of the Web API back. */
export function isStoreSilent(error: unknown, { signal }: Acknowledgement): boolean {
  return error instanceof StoreError || signal.aborted;
}

/**
 * Acknowledges a press or a shortcut, and tells the person what became of it. While the store is silent the
 * response_url tells it, although Slack may not show that in the thread. Where there is none, the press stays
 * unacknowledged, so that Slack shows at once that it failed.
 */
export async function replyPrivately(
  { reply, respond, user, channel, thread }: PressedBy,
  text: string,
  error: unknown,
  bot: Pick<Bot, 'notify'>,
): Promise<void> {
  const whisper = (): Promise<void> => bot.notify.person({ user, channel, thread }, text);
  const isSilent = isStoreSilent(error, reply);
  if (!isSilent || respond !== undefined) await reply.send();
  if (!isSilent || respond === undefined) return await whisper();
  const answer = { response_type: 'ephemeral', replace_original: false, text } as const;
  await respond({ ...answer, ...inThread({ thread }) }).catch(whisper);
}

export interface Boundary {
  /** For the log: `a slash command`. */
  what: string;
  /** Tells the person, where they wait for it. Absent: nobody asked, so nobody is told. */
  notify?: (text: string, error: unknown) => Promise<unknown>;
  /** A modal shows plain text, a message mrkdwn (the default). */
  format?: 'plain' | 'mrkdwn';
  /** What was asked for, for the audit of a refusal. Absent: there is no audit line. */
  asked?: Asked;
  /** For an event: if the store gives no answer, it is left unacknowledged, and Slack repeats it. */
  ticket?: EventTicket | undefined;
}

/**
 * The one place where errors of listeners end: the person is told a refusal in words, and a bug is logged. Never
 * rejects. False: the event was left unacknowledged, so Slack brings it again.
 */
export async function withBoundary(
  { what, notify, ticket, format, asked }: Boundary,
  bot: Pick<Bot, 'workspace' | 'audit' | 'log'>,
  act: () => Promise<void>,
): Promise<boolean> {
  const { log } = bot;
  const leave = (error: StoreError): false => {
    log.warn({ event: 'request.unaccepted', err: error }, `${what} was not accepted`);
    ticket?.leaveUnacknowledged(error);
    return false;
  };
  try {
    await act();
    return true;
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
    return true;
  }
}
