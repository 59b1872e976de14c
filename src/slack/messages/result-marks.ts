import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import type { RunOutcome } from '../../runs/outcome.ts';
import type { ResultMark, RunView } from '../../runs/run-view.ts';
import { joinWords } from '../../text.ts';
import { readCallError } from '../api/call-error.ts';
import { metadataOf, type Place } from '../api/posted.ts';
import { ENDS, resultLine } from '../blocks/run-summary.ts';
import { endOf, statusLine } from '../blocks/run/run-text.ts';
import { ROOT_ROOM, renderRoot } from '../blocks/who-ran.ts';
import type { MessageClient } from './client.ts';
import { CallLimiter, type EditLimiter } from './limiters.ts';

/** Reactions: 50 in any 60 s (slack.md §3, tier 3). */
const REACTION_RATE = { burst: 20, refillMs: 2_000 };
/** Answers come first: a mark that has to wait longer than this is left out. */
const GIVES_WAY_MS = 30_000;

interface Ended {
  runId: string;
  place: Place;
  mark: ResultMark | undefined;
}

export interface MarksOptions {
  client: MessageClient;
  edits: EditLimiter;
  log: Log;
  now: () => number;
}

/** Shows in the channel how runs ended: in the bot's root message, or by a reaction on a person's message. */
export class ResultMarks {
  readonly #options: MarksOptions;
  readonly #reactions: CallLimiter;
  /** The reaction on each message, so that only that one is removed: Slack takes 20 removals a minute. */
  readonly #shown = new LRUCache<string, string>({ max: 1_000 });
  #isOff = false;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#reactions = new CallLimiter(options.now, REACTION_RATE);
  }

  /**
   * Shows the mark of an answer that is posted. Nothing waits for it; a mark that Slack refuses is left out. Never
   * throws.
   */
  show(ended: Ended, view: RunView): void {
    if (view.phase.kind !== 'ended' || ended.mark === undefined) return;
    const { mark } = ended;
    const { outcome } = view.phase;
    const shown =
      mark.kind === 'root'
        ? this.#editRoot(ended, mark, view, outcome)
        : this.#react(ended.place.channel, mark.ts, ENDS[endOf(outcome)].reaction, view.edition > 1);
    shown.catch((error: unknown) =>
      this.#options.log.debug(
        { event: 'run.mark', run: ended.runId, err: error },
        'a result could not be marked',
      ),
    );
  }

  /** Removes the reaction of a removed answer from a person's message (`ts`). Never throws. */
  remove(channel: string, ts: string, outcome: RunOutcome): void {
    const { reaction: name } = ENDS[endOf(outcome)];
    this.#unreact({ channel, timestamp: ts, name }).catch(() => undefined);
  }

  async #unreact(reaction: { channel: string; timestamp: string; name: string }): Promise<void> {
    const { client } = this.#options.client;
    if (await this.#mayReact()) await this.#tried(async () => await client.reactions.remove(reaction));
  }

  async #editRoot(
    { runId, place }: Ended,
    root: ResultMark & { kind: 'root' },
    view: RunView,
    outcome: RunOutcome,
  ): Promise<void> {
    const { client, edits } = this.#options;
    if (!(await this.#roomFor(() => edits.take(`${runId}/root`, 'live')))) return;
    const result = joinWords(' — ', [statusLine(1, outcome, { short: true }), resultLine(view)]);
    const metadata = metadataOf('root', runId);
    const shown = { requester: view.requester, ...root, result };
    await client.update(place.channel, place.thread, { ...renderRoot(shown, ROOT_ROOM), metadata });
  }

  async #react(channel: string, timestamp: string, name: string, hasEarlier: boolean): Promise<void> {
    const { client } = this.#options.client;
    const message = `${channel}/${timestamp}`;
    const known = this.#shown.get(message);
    const earlier = known === undefined ? Object.values(ENDS).map(({ reaction }) => reaction) : [known];
    if (hasEarlier)
      for (const other of new Set(earlier))
        if (other !== name) await this.#unreact({ channel, timestamp, name: other });
    if (!(await this.#mayReact())) return;
    this.#shown.set(message, name);
    await this.#tried(async () => await client.reactions.add({ channel, timestamp, name }));
  }

  async #mayReact(): Promise<boolean> {
    return !this.#isOff && (await this.#roomFor(() => this.#reactions.take()));
  }

  async #tried(react: () => Promise<unknown>): Promise<void> {
    try {
      await react();
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') this.#reactions.pause(failure.waitMs);
      if (failure.kind !== 'refused' || failure.code !== 'missing_scope' || this.#isOff) return;
      this.#isOff = true;
      this.#options.log.warn(
        { event: 'slack.reactions' },
        'results are not marked with reactions, because the app lacks the scope reactions:write (RESULT_REACTIONS)',
      );
    }
  }

  /** False if there is no room for too long. */
  async #roomFor(take: () => number): Promise<boolean> {
    const { now } = this.#options;
    const giveUpAt = now() + GIVES_WAY_MS;
    for (let ms = take(); ms > 0; ms = take()) {
      if (now() + ms > giveUpAt) return false;
      await delay(ms, undefined, { ref: false });
    }
    return true;
  }
}
