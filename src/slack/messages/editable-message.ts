import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import { readCallError, type Refusal } from '../api/call-error.ts';
import { findPosted, type Metadata, type Place, type SlackMessage } from '../api/posted.ts';
import { jsonSize, MESSAGE_ROOM } from '../blocks/rich-text.ts';
import { type MessageClient, retryMs } from './client.ts';
import type { CallLimiter, EditLimiter, Use } from './limiters.ts';
import type { ResultMarks } from './result-marks.ts';

export type Attempt =
  | { kind: 'posted'; ts: string }
  | { kind: 'wait'; ms: number; reason: string }
  /** It never will; `code` is Slack's error. */
  | { kind: 'refused'; code: string; refusal: Refusal };
type Wait = Attempt & { kind: 'wait' };
/** What messages are sent with: one each for all run messages of a workspace. */
export interface Sending {
  client: MessageClient;
  edits: EditLimiter;
  posts: CallLimiter;
  looks: CallLimiter;
  removes: CallLimiter;
  /** A run that took longer ends with a reply that names its requester; Infinity: none does. */
  notifyAfterMs: number;
  /** Absent: results are not marked in the channel. */
  marks?: ResultMarks | undefined;
  log: Log;
  now: () => number;
  /** A post that was not found is looked for again so long after the one in its place: Slack may have been slow. */
  lookAgainMs: number;
}

/** The run that messages and files are posted for, and where. */
export interface Owner {
  runId: string;
  place: Place;
  /** When the run was accepted: outside threads no earlier message is looked at. */
  createdAt: number;
  /** A process that died may have posted them already: look before posting. */
  mayExist: boolean;
}

export interface EditableMessageOptions extends Owner {
  /** By which it is found again: its type and what of its payload is its own. */
  metadata: Metadata;
  /** Of the message that is edited; absent: it is posted. */
  ts?: string | undefined;
  /** A refusal for its size is final. */
  isFixed?: boolean;
  onPosted?: (ts: string) => void;
  onFinalFound?: (() => void) | undefined;
  /** Aborted when a successor goes on: a post that still waits for its turn is not made. */
  signal?: AbortSignal;
}

/** `room`: how much its blocks may hold, in characters of JSON. Called at the last moment, so that the newest is sent. */
export type Render = (room: number) => Omit<SlackMessage, 'metadata'> & { metadata?: Metadata };

/** Less room than this shows nothing but the end of a run: then the smallest message is sent at once. */
const MIN_ROOM = 1_500;
/** So often a message that is gone, or cannot be edited, is posted anew, and a channel that is not found is tried again. */
const MAX_REPOSTS = 3;
/** An end that would wait longer for its turn to be an edit is posted anew: Slack counts posts and removals apart. */
const LONGEST_WAIT_FOR_EDIT_MS = 2_000;
/** How often a message that is to be removed is looked for where Slack does not say whether it was posted. */
const SETTLING_LOOKS = 8;

/** One message: posted once, then edited. Knows what to do with each way Slack can fail. */
export class EditableMessage {
  readonly #sending: Sending;
  readonly #options: EditableMessageOptions;
  readonly place: Place;
  #ts: string | undefined;
  #mayExist: boolean;
  #isMissed = false;
  #room = MESSAGE_ROOM;
  #reposts = 0;
  #failures = 0;

  constructor(sending: Sending, options: EditableMessageOptions) {
    this.#sending = sending;
    this.#options = options;
    this.place = options.place;
    this.#ts = options.ts;
    this.#mayExist = options.ts === undefined && options.mayExist;
  }

  get ts(): string | undefined {
    return this.#ts;
  }

  get room(): number {
    return this.#room;
  }

  /** Tries until it is posted or refused, or until `again` (called with the ms to wait before the next try) is false. */
  async send(render: Render, again: (ms: number) => Promise<boolean>, use: Use = 'end'): Promise<Attempt> {
    for (;;) {
      const attempt = await this.attempt(render, use);
      if (attempt.kind !== 'wait' || !(await again(attempt.ms))) return attempt;
    }
  }

  async attempt(render: Render, use: Use): Promise<Attempt> {
    const notYet = await this.#look();
    if (notYet !== undefined) return notYet;
    const { runId, place, metadata, signal } = this.#options;
    const { client, edits, posts, removes } = this.#sending;
    if (this.#ts !== undefined) {
      const ms = edits.take(runId, use);
      const isLong = ms > LONGEST_WAIT_FOR_EDIT_MS && ms > posts.waitMs(place.channel);
      // Removed before the end is posted: a crash between the two leaves one end.
      const mayRemove = isLong && use === 'end' && this.#reposts < MAX_REPOSTS && removes.take() === 0;
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
        if (this.#isMissed) void this.#removeDouble();
      }
      this.#failures = 0;
      return { kind: 'posted', ts: this.#ts ?? '' };
    } catch (error) {
      return await this.#afterFailure(error, jsonSize(message.blocks), use);
    }
  }

  /** False where nobody knows that it is gone. */
  async #remove(ts: string): Promise<boolean> {
    const { client, removes } = this.#sending;
    try {
      await client.remove(this.#options.place.channel, ts);
      return true;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') removes.pause(failure.waitMs);
      return false;
    }
  }

  /** Finds out whether it was posted where the reply to a post was lost. */
  async settle(): Promise<void> {
    for (let looks = 0; looks < SETTLING_LOOKS && this.#mayExist; looks += 1)
      await delay((await this.#look())?.ms);
  }

  /** The post may have been made (slack.md fact 3), so it is looked for. Undefined once that is settled. */
  async #look(): Promise<Wait | undefined> {
    if (!this.#mayExist) return undefined;
    const { client, looks } = this.#sending;
    const { place, metadata, createdAt, onFinalFound } = this.#options;
    const waitMs = looks.take();
    if (waitMs > 0) return { kind: 'wait', ms: waitMs, reason: 'look limit' };
    try {
      const found = await findPosted(client.client, place, metadata, createdAt);
      this.#mayExist = false;
      this.#isMissed = found === undefined;
      if (found !== undefined) this.#found(found.ts);
      if (found?.isFinal === true) onFinalFound?.();
      return undefined;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'unclear') return this.#retry(failure.reason);
      if (failure.kind === 'rateLimited') {
        looks.pause(failure.waitMs);
        return this.#retry('rate limited', failure.waitMs);
      }
      // Where the thread may not be read, a run message that might be there twice is better than none.
      this.#mayExist = false;
      return undefined;
    }
  }

  /** Of a process that stood still: its post was under way when this one looked for it. Never rejects. */
  async #removeDouble(): Promise<void> {
    const { client, looks, log, lookAgainMs } = this.#sending;
    const { runId, place, metadata, createdAt } = this.#options;
    this.#isMissed = false;
    await delay(lookAgainMs, undefined, { ref: false });
    await looks.turn();
    try {
      const double = await findPosted(client.client, place, metadata, createdAt, this.#ts);
      // Without a ts it is just being posted anew.
      if (double === undefined || this.#ts === undefined || double.ts === this.#ts) return;
      await client.remove(place.channel, double.ts);
      log.info({ event: 'message.double', run: runId }, 'a message that was there twice was removed');
    } catch (error) {
      log.warn({ event: 'message.unsettled', err: error, run: runId }, 'a second message was not looked for');
    }
  }

  /** To be posted anew. A predecessor may have come as far as this, and have posted it. */
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
    this.#options.onPosted?.(ts);
  }

  async #afterFailure(error: unknown, size: number, use: Use): Promise<Attempt> {
    const failure = readCallError(error);
    const isPost = this.#ts === undefined;
    if (failure.kind === 'unclear') return this.#retry(failure.reason);
    if (isPost) this.#mayExist = false;
    if (failure.kind === 'rateLimited') {
      if (isPost) this.#sending.posts.pause(failure.waitMs, this.#options.place.channel);
      else this.#sending.edits.pause(failure.waitMs);
      return this.#retry('rate limited', failure.waitMs);
    }
    const { code, refusal } = failure;
    // Its new id may be on its way (slack.md fact 11).
    if (code === 'channel_not_found' && this.#failures <= MAX_REPOSTS) return this.#retry(code);
    if (refusal === 'tooLong' && this.#room > 0 && this.#options.isFixed !== true) {
      const room = Math.floor(Math.min(size, this.#room) / 2);
      this.#room = room < MIN_ROOM ? 0 : room;
      return this.#retry(code, 0);
    }
    const isLost = refusal === 'messageGone' || (refusal === 'uneditable' && use === 'end');
    if (!isPost && isLost && this.#reposts < MAX_REPOSTS) {
      // What can only be removed would keep its buttons beside its end.
      if (refusal === 'uneditable') await this.#remove(this.#ts ?? '');
      return this.#forget(code);
    }
    return { kind: 'refused', code, refusal };
  }

  /** Without `ms` nobody knows what became of it: longer and longer pauses. */
  #retry(reason: string, ms = retryMs({ kind: 'unclear', reason }, (this.#failures += 1))): Wait {
    const about = { event: 'message.retried', run: this.#options.runId, reason, ms };
    this.#sending.log.info(about, 'a message is tried again');
    return { kind: 'wait', ms, reason };
  }
}
