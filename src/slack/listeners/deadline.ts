import type { AckFn } from '@slack/bolt';
import { UserError } from '../../errors.ts';
import { untilAborted } from '../../gateway/until-aborted.ts';
import type { Log } from '../../log.ts';

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
