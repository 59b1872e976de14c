import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import type { RunOutcome } from '../../runs/outcome.ts';
import type { RootContent, RunMessageOptions, RunView } from '../../runs/run-view.ts';
import { joinWords } from '../../text.ts';
import { KeyedMutex } from '../../waits.ts';
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

type Ended = Pick<RunMessageOptions, 'runId' | 'root' | 'source'> & { place: Place };

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
  /** The reactions that each message may have, so that only those are removed: Slack takes 20 removals a minute. */
  readonly #shown = new LRUCache<string, Set<string>>({ max: 1_000 });
  /** By message: its reactions are changed one after the other. */
  readonly #inOrder = new KeyedMutex();
  #isOff = false;

  constructor(options: MarksOptions) {
    this.#options = options;
    this.#reactions = new CallLimiter(options.now, REACTION_RATE);
  }

  /** Shows the mark of an answer that is posted; a mark that Slack refuses is left out. Never rejects. */
  async show({ runId, place, root, source }: Ended, view: RunView): Promise<void> {
    if (view.phase.kind !== 'ended') return;
    const { outcome } = view.phase;
    try {
      if (root !== undefined) await this.#editRoot(runId, place, root, view, outcome);
      else if (source !== undefined)
        await this.#react(place.channel, source, ENDS[endOf(outcome)].reaction, view.edition > 1);
    } catch (error) {
      const about = { event: 'run.mark', run: runId, err: error };
      this.#options.log.debug(about, 'a result could not be marked');
    }
  }

  /** Removes the reaction of a removed answer from a person's message (`ts`). Never rejects. */
  async remove(channel: string, ts: string, outcome: RunOutcome): Promise<void> {
    const message = `${channel}/${ts}`;
    await this.#inOrder.run(message, async () => {
      const names = this.#shown.get(message) ?? [ENDS[endOf(outcome)].reaction];
      for (const name of names) await this.#unreact(channel, ts, name);
    });
  }

  async #unreact(channel: string, timestamp: string, name: string): Promise<void> {
    const { client } = this.#options.client;
    if (!(await this.#mayReact())) return;
    const isAnswered = await this.#tried(() => client.reactions.remove({ channel, timestamp, name }));
    if (isAnswered) this.#shown.get(`${channel}/${timestamp}`)?.delete(name);
  }

  async #editRoot(
    runId: string,
    place: Place,
    root: RootContent,
    view: RunView,
    outcome: RunOutcome,
  ): Promise<void> {
    const { client, edits } = this.#options;
    if (!(await this.#roomFor(() => edits.take(`${runId}/root`, 'live')))) return;
    const result = joinWords(' — ', [statusLine(1, outcome, { short: true }), resultLine(view)]);
    const metadata = metadataOf('root', runId);
    const shown = { requester: view.requester, ...root, result };
    try {
      await client.update(place.channel, place.thread, { ...renderRoot(shown, ROOT_ROOM), metadata });
      edits.answered();
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') edits.pause(failure.waitMs);
      throw error;
    }
  }

  async #react(channel: string, timestamp: string, name: string, hasEarlier: boolean): Promise<void> {
    const { client } = this.#options.client;
    const message = `${channel}/${timestamp}`;
    await this.#inOrder.run(message, async () => {
      const unknown = hasEarlier ? Object.values(ENDS).map(({ reaction }) => reaction) : [];
      const shown = this.#shown.get(message) ?? new Set(unknown);
      this.#shown.set(message, shown);
      for (const other of shown) if (other !== name) await this.#unreact(channel, timestamp, other);
      if (!(await this.#mayReact())) return;
      shown.add(name);
      await this.#tried(() => client.reactions.add({ channel, timestamp, name }));
    });
  }

  async #mayReact(): Promise<boolean> {
    return !this.#isOff && (await this.#roomFor(() => this.#reactions.take()));
  }

  /** False if Slack gave no answer. */
  async #tried(react: () => Promise<unknown>): Promise<boolean> {
    try {
      await react();
      return true;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') this.#reactions.pause(failure.waitMs);
      const isRefused = failure.kind === 'refused';
      if (isRefused && failure.code === 'missing_scope') this.#turnOff();
      return isRefused;
    }
  }

  #turnOff(): void {
    if (this.#isOff) return;
    this.#isOff = true;
    this.#options.log.warn(
      { event: 'slack.reactions' },
      'results are not marked with reactions, because the app lacks the scope reactions:write (RESULT_REACTIONS)',
    );
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
