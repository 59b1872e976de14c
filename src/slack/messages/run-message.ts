import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchFunction } from '@slack/web-api';
import type { Log } from '../../log.ts';
import type { PostRoot } from '../../runs/session/run-answer.ts';
import type { AnswerOptions, Delivery, LiveAnswer, OpenAnswer, RunView } from '../../runs/run-view.ts';
import { Bell } from './notifier.ts';
import { startEditBudget, type EditBudget } from './edit-limiter.ts';
import { attachFiles } from './attach-files.ts';
import { startLookPace, startPostPace } from './post-limiter.ts';
import { rootPoster } from './root-message.ts';
import { renderAnswer, type AnswerMessage } from '../blocks/run/run-message.ts';
import { startSlackCalls } from './client.ts';
import { StandingMessage, type Attempt, type MessageMeans } from './editable-message.ts';

export interface AnswersOptions {
  token: string;
  slackApiUrl?: string;
  /** What the calls go through; by default the process's own. */
  fetch?: FetchFunction;
  log: Log;
  now?: () => number;
  /** One budget for all replicas; by default this process has its own. */
  budget?: EditBudget;
  timeoutMs?: number;
}

export interface Answers {
  open: OpenAnswer;
  postRoot: PostRoot;
  /** Lets go of every open answer, flushing what is pending. */
  stop(): Promise<void>;
}

/** A run that ends within this time of its opening costs one post. */
const quickMs = 400;

/** How long a note about a missing file is tried. */
const notePatienceMs = 60_000;

/** Who lets go waits no longer for the last picture: a successor shows it. */
const flushMs = 3_000;

/** Starts what shows answers of one workspace: the only caller of chat.* and files.* for them. */
export function startAnswers(options: AnswersOptions): Answers {
  const now = options.now ?? Date.now;
  const shared: Shared = {
    calls: startSlackCalls({ ...options, timeoutMs: options.timeoutMs ?? 10_000 }),
    budget: options.budget ?? startEditBudget(now),
    pace: startPostPace(now),
    looks: startLookPace(now),
    log: options.log,
    now,
  };
  const open = new Set<ThreadAnswer>();
  return {
    open(answerOptions) {
      const answer = new ThreadAnswer(shared, answerOptions, () => open.delete(answer));
      open.add(answer);
      return answer;
    },
    postRoot: rootPoster(shared),
    async stop() {
      await Promise.all([...open].map((answer) => answer.release()));
    },
  };
}

interface Shared extends MessageMeans {
  log: Log;
  now: () => number;
}

const leftOver: Delivery = { delivered: false, reason: 'the bot was stopped', isRefused: false };

class ThreadAnswer implements LiveAnswer {
  readonly #shared: Shared;
  readonly #options: AnswerOptions;
  readonly #message: StandingMessage;
  readonly #closeBudget: () => void;
  readonly #onClosed: () => void;
  readonly #changed = new Bell();
  readonly #closed = new Bell();
  readonly #attached = new Set<string>();
  #view: RunView | undefined;
  /** The picture that was sent last, and the last one that is known to stand. */
  #drawn = '';
  #shown = '';
  #closing = false;
  /** After a release: when the last picture is left to a successor. */
  #leaveBy = Infinity;
  readonly #left = new AbortController();
  /** Everything that is sent for this answer, one after the other. */
  #work: Promise<unknown>;

  constructor(shared: Shared, options: AnswerOptions, onClosed: () => void) {
    this.#shared = shared;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#message = new StandingMessage(shared, {
      runId: options.runId,
      place: options.place,
      find: () => shared.calls.find(options.place, 'sparkthread_answer', { run: options.runId }),
      mayStand: options.recovered,
      onPosted: options.onPosted,
      signal: this.#left.signal,
      mayWrite: options.mayWrite,
    });
    this.#closeBudget = shared.budget.open(options.runId);
    this.#work = this.#live();
  }

  show(view: RunView): void {
    this.#view = view;
    this.#changed.ring();
  }

  finish(view: RunView): Promise<Delivery> {
    this.#view = view;
    this.#close();
    const delivery = this.#work.then(() => this.#conclude(view));
    this.#work = delivery;
    return delivery;
  }

  async release(): Promise<void> {
    if (this.#leaveBy === Infinity) {
      this.#leaveBy = this.#shared.now() + flushMs;
      this.#close();
      this.#work = this.#work.then(() => this.#flush());
    }
    const leftMs = Math.max(0, this.#leaveBy - this.#shared.now());
    await Promise.race([this.#work, sleep(leftMs, undefined, { ref: false })]);
    this.#left.abort();
  }

  async withdraw(): Promise<void> {
    this.#leaveBy = Math.min(this.#leaveBy, this.#shared.now());
    this.#close();
    this.#left.abort();
    const settled = this.#work.then(() => this.#settle());
    this.#work = settled;
    await settled;
  }

  async #settle(): Promise<void> {
    await this.#message.settle();
    this.#closeBudget();
    this.#onClosed();
  }

  get #isReleased(): boolean {
    return this.#leaveBy !== Infinity;
  }

  #close(): void {
    this.#closing = true;
    this.#closed.ring();
    this.#changed.ring();
  }

  /** Shows pictures until the answer is closed. Never rejects. */
  async #live(): Promise<void> {
    await this.#closed.wait(quickMs);
    while (!this.#closing) {
      const view = this.#view;
      if (view === undefined || this.#pictureOf(view) === this.#shown) {
        await this.#changed.wait(tickMs(view, this.#shared.now()));
        continue;
      }
      const attempt = await this.#message.attempt((shrink) => this.#draw(this.#view ?? view, shrink), 'live');
      if (attempt.kind === 'stands') this.#shown = this.#drawn;
      if (attempt.kind === 'wait' && !this.#closing) await this.#closed.wait(attempt.ms);
      if (attempt.kind === 'refused') {
        this.#shared.log.warn({ run: this.#options.runId, reason: attempt.code }, 'answer not shown');
        return;
      }
    }
  }

  #draw(view: RunView, shrink: number): AnswerMessage {
    const { message } = renderAnswer(view, this.#shared.now(), shrink);
    this.#drawn = JSON.stringify(message);
    return message;
  }

  #pictureOf(view: RunView): string {
    return JSON.stringify(renderAnswer(view, this.#shared.now()).message);
  }

  async #flush(): Promise<void> {
    const view = this.#view;
    const isPending =
      view !== undefined && view.phase.kind !== 'ended' && this.#pictureOf(view) !== this.#shown;
    if (isPending) await this.#insist(view, flushMs);
    this.#closeBudget();
    this.#onClosed();
  }

  async #conclude(view: RunView): Promise<Delivery> {
    const delivery = await this.#deliver(view);
    this.#closeBudget();
    this.#onClosed();
    return delivery;
  }

  async #deliver(view: RunView): Promise<Delivery> {
    // a live edit that was on its way may have taken the last picture along
    const { ts } = this.#message;
    const isShown = ts !== undefined && this.#pictureOf(view) === this.#shown;
    const end = isShown ? { kind: 'stands' as const, ts } : await this.#insist(view, Infinity);
    if (end.kind === 'stands') return this.#attach(view, end.ts);
    // What is not refused is left to a successor only.
    if (end.kind === 'wait') return leftOver;
    return this.#undelivered(view, end.code);
  }

  /** Tries until the picture stands, Slack refuses it, or patience or the process ends. */
  async #insist(view: RunView, patienceMs: number): Promise<Attempt> {
    const giveUpAt = this.#shared.now() + patienceMs;
    for (;;) {
      const attempt = await this.#message.attempt((shrink) => this.#draw(view, shrink), 'end');
      if (attempt.kind === 'stands') this.#shown = this.#drawn;
      const leftMs = Math.min(giveUpAt, this.#leaveBy) - this.#shared.now();
      if (attempt.kind !== 'wait' || leftMs <= 0) return attempt;
      await this.#closed.wait(Math.min(attempt.ms, leftMs));
    }
  }

  async #attach(view: RunView, ts: string): Promise<Delivery> {
    const { files } = renderAnswer(view, this.#shared.now(), this.#message.shrink);
    const { missing, ...attached } = await attachFiles(this.#shared, this.#options, files, this.#attached);
    if (missing.length > 0) {
      this.#shared.log.warn({ run: this.#options.runId, missing }, 'files not attached');
      const notes = missing.map(({ name, reason }) => `${name} could not be attached (${reason}).`);
      await this.#insist({ ...view, notes: [...view.notes, ...notes] }, notePatienceMs);
    }
    return { delivered: true, answerTs: ts, ...attached };
  }

  /** The thread cannot be reached: the runner is told privately, once. After a stop a successor goes on instead. */
  async #undelivered(view: RunView, reason: string): Promise<Delivery> {
    if (this.#isReleased) return leftOver;
    const { runId, runner, place } = this.#options;
    const outcome = view.phase.kind === 'ended' ? view.phase.outcome.kind : view.phase.kind;
    this.#shared.log.warn({ run: runId, channel: place.channel, reason, outcome }, 'answer not delivered');
    const { text } = renderAnswer(view, this.#shared.now()).message;
    const told = `The answer to your run in <#${place.channel}> could not be posted there (${reason}).\n${text}`;
    await this.#shared.calls.tellPrivately(place, runner, told).catch((error: unknown) => {
      this.#shared.log.warn({ run: runId, err: error }, 'runner not told');
    });
    return { delivered: false, reason, isRefused: true };
  }
}

/** How long a picture stands before its clock is moved on, when nothing else changes. */
function tickMs(view: RunView | undefined, nowMs: number): number {
  if (view === undefined || !('sinceMs' in view.phase)) return 60_000;
  const elapsed = nowMs - view.phase.sinceMs;
  if (elapsed < 60_000) return 5_000;
  return elapsed < 600_000 ? 15_000 : 60_000;
}
