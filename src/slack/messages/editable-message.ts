import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { type CallError, readCallError, type Refusal, retryMs, withRetries } from '../api/call-error.ts';
import { findPosted, type Metadata, type Place, type SlackMessage } from '../api/posted.ts';
import { jsonSize, MESSAGE_ROOM } from '../blocks/rich-text.ts';
import { mayPass, type MessageClient } from './client.ts';
import type { CallLimiter, EditLimiter, Edit } from './limiters.ts';
import type { ResultMarks } from './result-marks.ts';

export type Attempt =
  | { kind: 'posted'; ts: string }
  | { kind: 'wait'; ms: number; reason: string }
  /** Slack refused it for good; `code` is its error. */
  | { kind: 'refused'; code: string; refusal: Refusal };
type Wait = Attempt & { kind: 'wait' };
/** The client and the limiters that all run messages share. */
export interface Sending {
  client: MessageClient;
  edits: EditLimiter;
  posts: CallLimiter;
  looks: CallLimiter;
  removes: CallLimiter;
  /** A run that took longer ends with a reply that mentions its requester; Infinity: no run does. */
  notifyAfterMs: number;
  marks?: ResultMarks | undefined;
  log: Log;
  now: () => number;
  /** How long after a post to look again for an earlier one that was not found: Slack may have been slow. */
  lookAgainMs: number;
}

/** The run that messages and files are posted for, and where they go. */
export interface Owner {
  runId: string;
  place: Place;
  /** When the run was accepted; outside threads only later messages are searched. */
  createdAt: number;
  /** A previous process may have posted them: look before posting. */
  mayExist: boolean;
}

export interface EditableMessageOptions extends Owner {
  metadata: Metadata;
  /** The message to edit; absent: a new one is posted. */
  ts?: string | undefined;
  /** It is not shortened when Slack refuses its size. */
  isFixed?: boolean;
  onPosted?: (ts: string) => void;
  /** Aborted when a successor takes over: a post that still waits for its turn is dropped. */
  signal?: AbortSignal;
}

/** Called right before sending. `room`: the limit of the blocks, in characters of JSON. */
export type Render = (room: number) => Omit<SlackMessage, 'metadata'> & { metadata?: Metadata };

/** With less room only the end could be shown, so the smallest message is tried at once. */
const MIN_ROOM = 1_500;
/** How often a message that is gone, or whose end Slack does not take as an edit, is posted anew. */
const MAX_REPOSTS = 3;
/** An end that would wait longer for an edit is posted anew: Slack limits posts and removals separately. */
const LONGEST_WAIT_FOR_EDIT_MS = 2_000;
/** How often `settle` looks for a message if Slack did not say whether it was posted. */
const SETTLING_LOOKS = 8;

/** A message that is posted once and then edited, whatever way Slack fails. */
export class EditableMessage {
  readonly place: Place;
  readonly #sending: Sending;
  readonly #options: EditableMessageOptions;
  #ts: string | undefined;
  #mayExist: boolean;
  #mayHaveDouble = false;
  /** Its message, and those that this took the place of, which Slack may have refused to remove. */
  readonly #known = new Set<string>();
  #room = MESSAGE_ROOM;
  #reposts = 0;
  #failures = 0;

  constructor(sending: Sending, options: EditableMessageOptions) {
    this.#sending = sending;
    this.#options = options;
    this.place = options.place;
    this.#ts = options.ts;
    if (options.ts !== undefined) this.#known.add(options.ts);
    this.#mayExist = options.ts === undefined && options.mayExist;
  }

  get ts(): string | undefined {
    return this.#ts;
  }

  get room(): number {
    return this.#room;
  }

  /** Tries until Slack takes or refuses it, or `again`, which waits the given ms before the next try, returns false. */
  async send(render: Render, again: (ms: number) => Promise<boolean>, kind: Edit = 'end'): Promise<Attempt> {
    for (;;) {
      const attempt = await this.attempt(render, kind);
      if (attempt.kind !== 'wait' || !(await again(attempt.ms))) return attempt;
    }
  }

  async attempt(render: Render, kind: Edit): Promise<Attempt> {
    const notYet = await this.#look();
    if (notYet !== undefined) return notYet;
    const { runId, place, metadata, signal } = this.#options;
    const { client, edits, posts, removes } = this.#sending;
    if (this.#ts !== undefined) {
      const ms = edits.take(runId, kind);
      const isLong = ms > LONGEST_WAIT_FOR_EDIT_MS && ms > posts.waitMs(place.channel);
      // Removed before the new post, so that a crash in between leaves one end.
      const mayRemove = isLong && kind === 'end' && this.#reposts < MAX_REPOSTS && removes.take() === 0;
      if (mayRemove && (await this.#remove(this.#ts))) return this.#forget('edit limit');
      if (ms > 0) return { kind: 'wait', ms, reason: 'edit limit' };
    } else {
      const postMs = posts.reserve(place.channel);
      if (postMs > 0) await delay(postMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
      if (signal?.aborted === true) return { kind: 'wait', ms: 0, reason: 'released' };
    }
    const message = { metadata, ...render(this.#room) };
    try {
      if (this.#ts !== undefined) {
        await client.update(place.channel, this.#ts, message);
        edits.answered();
      } else {
        this.#mayExist = true;
        this.#found(await client.post(place, message));
        if (this.#mayHaveDouble) void this.#removeDouble();
      }
      this.#failures = 0;
      return { kind: 'posted', ts: this.#ts ?? '' };
    } catch (error) {
      return await this.#afterFailure(readCallError(error), jsonSize(message.blocks), kind);
    }
  }

  /** False if it may still be there. */
  async #remove(ts: string): Promise<boolean> {
    try {
      await this.#sending.client.remove(this.place.channel, ts);
      return true;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') this.#sending.removes.pause(failure.waitMs);
      return false;
    }
  }

  /** Finds out whether the message was posted if Slack's answer was lost. */
  async settle(): Promise<void> {
    for (let looks = 0; looks < SETTLING_LOOKS && this.#mayExist; looks += 1)
      await delay((await this.#look())?.ms);
  }

  /** Looks for a post that may have been made (slack.md fact 3). Undefined once that is known. */
  async #look(): Promise<Wait | undefined> {
    if (!this.#mayExist) return undefined;
    const { client, looks } = this.#sending;
    const { place, metadata, createdAt } = this.#options;
    const waitMs = looks.take();
    if (waitMs > 0) return { kind: 'wait', ms: waitMs, reason: 'look limit' };
    try {
      const found = await findPosted(client.client, place, metadata, createdAt, this.#known);
      this.#mayExist = false;
      this.#mayHaveDouble = found === undefined;
      if (found !== undefined) this.#found(found);
      return undefined;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'unclear') return this.#retry(failure.reason);
      if (failure.kind === 'rateLimited') {
        looks.pause(failure.waitMs);
        return this.#retry('rate limited', failure.waitMs);
      }
      if (mayPass(failure, this.#failures)) return this.#retry(failure.code);
      // If the thread cannot be read: better twice than never.
      this.#mayExist = false;
      return undefined;
    }
  }

  /** Removes a second message that a suspended process may have posted later. Never rejects. */
  async #removeDouble(): Promise<void> {
    const { client, looks, log, lookAgainMs } = this.#sending;
    const { runId, place, metadata, createdAt } = this.#options;
    this.#mayHaveDouble = false;
    await delay(lookAgainMs, undefined, { ref: false });
    await looks.turn();
    try {
      const double = await findPosted(client.client, place, metadata, createdAt, this.#known);
      // Without a ts the message is being posted anew.
      if (double === undefined || this.#ts === undefined || this.#known.has(double)) return;
      await client.remove(place.channel, double);
      log.info({ event: 'message.double', run: runId }, 'a message that was there twice was removed');
    } catch (error) {
      log.warn({ event: 'message.unsettled', err: error, run: runId }, 'a second message was not looked for');
    }
  }

  /** Has the message posted anew. A previous process may have done that already. */
  #forget(reason: string): Wait {
    this.#sending.edits.leave(this.#options.runId);
    this.#reposts += 1;
    this.#ts = undefined;
    this.#mayExist = this.#options.mayExist;
    return this.#retry(reason, 0);
  }

  #found(ts: string): void {
    this.#mayExist = false;
    this.#ts = ts;
    this.#known.add(ts);
    this.#options.onPosted?.(ts);
  }

  async #afterFailure(failure: CallError, size: number, kind: Edit): Promise<Attempt> {
    const ts = this.#ts;
    if (failure.kind === 'unclear') return this.#retry(failure.reason);
    if (ts === undefined) this.#mayExist = false;
    if (failure.kind === 'rateLimited') {
      if (ts === undefined) this.#sending.posts.pause(failure.waitMs, this.place.channel);
      else this.#sending.edits.pause(failure.waitMs);
      return this.#retry('rate limited', failure.waitMs);
    }
    const { code, refusal } = failure;
    if (mayPass(failure, this.#failures)) return this.#retry(code);
    if (refusal === 'tooLong' && this.#room > 0 && this.#options.isFixed !== true) {
      const room = Math.floor(Math.min(size, this.#room) / 2);
      this.#room = room < MIN_ROOM ? 0 : room;
      return this.#retry(code, 0);
    }
    if (ts !== undefined && (refusal === 'messageGone' || kind === 'end') && this.#reposts < MAX_REPOSTS) {
      // Otherwise it would go on saying that the run is running, and keep its buttons.
      await withRetries(() => this.#sending.client.remove(this.place.channel, ts)).catch(() => undefined);
      return this.#forget(code);
    }
    return { kind: 'refused', code, refusal };
  }

  /** Without `ms` the pauses get longer with each failure. */
  #retry(reason: string, ms = retryMs({ kind: 'unclear', reason }, (this.#failures += 1))): Wait {
    const about = { event: 'message.retried', run: this.#options.runId, reason, ms };
    this.#sending.log.info(about, 'a message is tried again');
    return { kind: 'wait', ms, reason };
  }
}
