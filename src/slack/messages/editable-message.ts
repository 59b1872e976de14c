import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerPlace } from '../../runs/run-view.ts';
import { isMessageGone, isTooLong, readFailure } from '../api/call-error.ts';
import type { EditBudget } from './edit-limiter.ts';
import type { LookPace, PostPace } from './post-limiter.ts';
import { shrinkLevels } from '../blocks/run/run-message.ts';
import type { SlackCalls, SlackMessage } from './client.ts';

export type Attempt =
  | { kind: 'stands'; ts: string }
  /** Not yet; try again in so long. */
  | { kind: 'wait'; ms: number; reason: string }
  /** It never will; Slack's error. */
  | { kind: 'refused'; code: string };

export interface MessageOptions {
  runId: string;
  place: AnswerPlace;
  /** Looks for it in Slack: its ts when it stands there. */
  find: () => Promise<string | undefined>;
  /** A message of this run may stand in the thread already: look before posting. */
  mayStand: boolean;
  onPosted: (ts: string) => void;
  /** Aborted when a successor goes on: a post that still waits for its turn is not made. */
  signal?: AbortSignal;
  /** False while another process may write it; asked at the last moment. By default always true. */
  mayWrite?: (() => boolean) | undefined;
}

/** What messages are sent with: one each for all answers of a workspace. */
export interface MessageMeans {
  calls: SlackCalls;
  budget: EditBudget;
  pace: PostPace;
  /** `conversations.replies` and `history`, for a workspace. */
  looks: LookPace;
}

/** How often a message that is to be removed is looked for where Slack does not say whether it stands. */
const settlingLooks = 8;

/** Whoever is not sure any more that nobody else writes a message knows more after this. */
const notOursMs = 1_000;

/** One message in a thread: posted once, then edited. Knows what to do with each way Slack can fail. */
export class StandingMessage {
  readonly #means: MessageMeans;
  readonly #options: MessageOptions;
  #ts: string | undefined;
  #mayStand: boolean;
  #shrink = 0;
  #failures = 0;

  constructor(means: MessageMeans, options: MessageOptions) {
    this.#means = means;
    this.#options = options;
    this.#ts = options.place.answerTs;
    this.#mayStand = options.mayStand;
  }

  get ts(): string | undefined {
    return this.#ts;
  }

  /** How much smaller than normal the picture has to be for Slack to take it. */
  get shrink(): number {
    return this.#shrink;
  }

  /** One try to make the picture stand. `render` is asked at the last moment, so that the newest picture goes out. */
  async attempt(render: (shrink: number) => SlackMessage, use: 'live' | 'end'): Promise<Attempt> {
    if (this.#ts === undefined && this.#mayStand) {
      const notYet = await this.#look();
      if (notYet !== undefined) return notYet;
    }
    try {
      const waitMs = this.#ts === undefined ? 0 : await this.#means.budget.take(this.#options.runId, use);
      if (waitMs > 0) return { kind: 'wait', ms: waitMs, reason: 'budget' };
      if (this.#ts === undefined) await this.#untilPaced();
      if (this.#options.mayWrite?.() === false) return { kind: 'wait', ms: notOursMs, reason: 'not ours' };
      const ts = await this.#send(this.#ts, render);
      this.#failures = 0;
      return { kind: 'stands', ts };
    } catch (error) {
      return this.#afterFailure(error);
    }
  }

  /** Finds out whether it stands where a post's reply was lost. */
  async settle(): Promise<void> {
    for (let looks = 0; looks < settlingLooks && this.#ts === undefined && this.#mayStand; looks += 1) {
      const notYet = await this.#look();
      if (notYet !== undefined) await sleep(notYet.ms);
    }
  }

  async #untilPaced(): Promise<void> {
    const { place, signal } = this.#options;
    const paceMs = this.#means.pace.reserve(place.channel);
    if (paceMs > 0) await sleep(paceMs, undefined, signal === undefined ? {} : { signal });
  }

  async #send(ts: string | undefined, render: (shrink: number) => SlackMessage): Promise<string> {
    const { place } = this.#options;
    if (ts !== undefined) {
      await this.#means.calls.update(place.channel, ts, render(this.#shrink));
      return ts;
    }
    this.#mayStand = true;
    const posted = await this.#means.calls.post(place, render(this.#shrink));
    this.#stand(posted);
    return posted;
  }

  /**
   * A post whose reply was lost may stand: Slack knows no idempotency key, so it is looked for (slack.md fact 3).
   * Undefined once that is settled.
   */
  async #look(): Promise<(Attempt & { kind: 'wait' }) | undefined> {
    const waitMs = this.#means.looks.take();
    if (waitMs > 0) return { kind: 'wait', ms: waitMs, reason: 'looks' };
    try {
      const found = await this.#options.find();
      this.#mayStand = false;
      if (found !== undefined) this.#stand(found);
      return undefined;
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unclear') return this.#later(failure.reason);
      if (failure.kind === 'rateLimited') {
        this.#means.looks.pause(failure.waitMs);
        return { kind: 'wait', ms: failure.waitMs, reason: 'rate limited' };
      }
      // where the thread may not be read, an answer that might stand twice is better than none
      this.#mayStand = false;
      return undefined;
    }
  }

  #stand(ts: string): void {
    this.#mayStand = false;
    this.#ts = ts;
    this.#options.onPosted(ts);
  }

  #afterFailure(error: unknown): Attempt {
    const failure = readFailure(error);
    if (failure.kind === 'rateLimited') {
      if (this.#ts === undefined) this.#means.pace.pause(this.#options.place.channel, failure.waitMs);
      else this.#means.budget.pause(failure.waitMs);
      // a refused post did not happen
      if (this.#ts === undefined) this.#mayStand = false;
      return { kind: 'wait', ms: failure.waitMs, reason: 'rate limited' };
    }
    if (failure.kind === 'unclear') return this.#later(failure.reason);
    if (this.#ts === undefined) this.#mayStand = false;
    if (isTooLong(failure.code) && this.#shrink < shrinkLevels) {
      this.#shrink += 1;
      return { kind: 'wait', ms: 0, reason: failure.code };
    }
    if (this.#ts !== undefined && isMessageGone(failure.code)) {
      this.#ts = undefined;
      return { kind: 'wait', ms: 0, reason: failure.code };
    }
    return { kind: 'refused', code: failure.code };
  }

  /** Nobody knows what became of it: longer and longer pauses. */
  #later(reason: string): Attempt & { kind: 'wait' } {
    this.#failures += 1;
    return { kind: 'wait', ms: Math.min(30_000, 500 * 2 ** this.#failures), reason };
  }
}
