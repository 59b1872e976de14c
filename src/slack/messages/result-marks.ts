import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Log } from '../../log.ts';
import type { RunOutcome } from '../../runs/outcome.ts';
import type { ResultMark, RunView } from '../../runs/run-view.ts';
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
export function createResultMarks(options: MarksOptions) {
  /** The reactions that each message may have, so that only those are removed: Slack takes 20 removals a minute. */
  const shown = new LRUCache<string, Set<string>>({ max: 1_000 });
  /** By message: its reactions are changed one after the other. */
  const inOrder = new KeyedMutex();
  let isOff = false;
  const reactions = new CallLimiter(options.now, REACTION_RATE);
  const unreact = async (channel: string, timestamp: string, name: string): Promise<void> => {
    const { client } = options.client;
    if (!(await mayReact())) return;
    const isAnswered = await tried(() => client.reactions.remove({ channel, timestamp, name }));
    if (isAnswered) shown.get(`${channel}/${timestamp}`)?.delete(name);
  };
  const editRoot = async (
    runId: string,
    place: Place,
    root: ResultMark & { kind: 'root' },
    view: RunView,
    outcome: RunOutcome,
  ): Promise<void> => {
    const { client, edits } = options;
    if (!(await roomFor(() => edits.take(`${runId}/root`, 'live')))) return;
    const result = joinWords(' — ', [statusLine(1, outcome, { short: true }), resultLine(view)]);
    const metadata = metadataOf('root', runId);
    const content = { requester: view.requester, ...root, result };
    try {
      await client.update(place.channel, place.thread, { ...renderRoot(content, ROOT_ROOM), metadata });
      edits.answered();
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') edits.pause(failure.waitMs);
      throw error;
    }
  };
  const react = async (
    channel: string,
    timestamp: string,
    name: string,
    hasEarlier: boolean,
  ): Promise<void> => {
    const { client } = options.client;
    const message = `${channel}/${timestamp}`;
    await inOrder.run(message, async () => {
      const unknown = hasEarlier ? Object.values(ENDS).map(({ reaction }) => reaction) : [];
      const names = shown.get(message) ?? new Set(unknown);
      shown.set(message, names);
      for (const other of names) if (other !== name) await unreact(channel, timestamp, other);
      if (!(await mayReact())) return;
      names.add(name);
      await tried(() => client.reactions.add({ channel, timestamp, name }));
    });
  };
  const mayReact = async (): Promise<boolean> => !isOff && (await roomFor(() => reactions.take()));
  /** False if Slack gave no answer. */
  const tried = async (call: () => Promise<unknown>): Promise<boolean> => {
    try {
      await call();
      return true;
    } catch (error) {
      const failure = readCallError(error);
      if (failure.kind === 'rateLimited') reactions.pause(failure.waitMs);
      const isRefused = failure.kind === 'refused';
      if (isRefused && failure.code === 'missing_scope') turnOff();
      return isRefused;
    }
  };
  const turnOff = (): void => {
    if (isOff) return;
    isOff = true;
    options.log.warn(
      { event: 'slack.reactions' },
      'results are not marked with reactions, because the app lacks the scope reactions:write (RESULT_REACTIONS)',
    );
  };
  /** False if there is no room for too long. */
  const roomFor = async (take: () => number): Promise<boolean> => {
    const { now } = options;
    const giveUpAt = now() + GIVES_WAY_MS;
    for (let ms = take(); ms > 0; ms = take()) {
      if (now() + ms > giveUpAt) return false;
      await delay(ms, undefined, { ref: false });
    }
    return true;
  };
  return {
    /** Shows the mark of an answer that is posted; a mark that Slack refuses is left out. Never rejects. */
    async show({ runId, place, mark }: Ended, view: RunView): Promise<void> {
      if (view.phase.kind !== 'ended' || mark === undefined) return;
      const { outcome } = view.phase;
      try {
        if (mark.kind === 'root') await editRoot(runId, place, mark, view, outcome);
        else await react(place.channel, mark.ts, ENDS[endOf(outcome)].reaction, view.edition > 1);
      } catch (error) {
        const about = { event: 'run.mark', run: runId, err: error };
        options.log.debug(about, 'a result could not be marked');
      }
    },
    /** Removes the reaction of a removed answer from a person's message (`ts`). Never rejects. */
    async remove(channel: string, ts: string, outcome: RunOutcome): Promise<void> {
      const message = `${channel}/${ts}`;
      await inOrder.run(message, async () => {
        const names = shown.get(message) ?? [ENDS[endOf(outcome)].reaction];
        for (const name of names) await unreact(channel, ts, name);
      });
    },
  };
}

export type ResultMarks = ReturnType<typeof createResultMarks>;
