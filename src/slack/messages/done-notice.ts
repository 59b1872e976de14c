import { setTimeout as delay } from 'node:timers/promises';
import type { ResultMark, RunView } from '../../runs/run-view.ts';
import { renderElapsed } from '../blocks/duration.ts';
import { type End, endOf } from '../blocks/run/run-text.ts';
import type { FilesOwner } from './attach-files.ts';
import { EditableMessage, type Sending } from './editable-message.ts';

/** How long the reply is tried: later it would be no news. */
const TRIED_MS = 60_000;

/** Before how long it took; undefined: its requester has taken it back and is told nothing. */
const DONE_WORDS: Readonly<Record<End, string | undefined>> = {
  failed: 'failed after',
  ok: 'done in',
  stopped: 'stopped after',
  limited: 'stopped after',
  cancelled: undefined,
  notKnown: 'end not known after',
};

/** What is said of an end beside the answer: at a glance in the channel, and to its requester. Gives the ts of replies. */
export async function notifyEnd(
  sending: Sending,
  owner: FilesOwner & { mark: ResultMark | undefined },
  view: RunView,
): Promise<string[]> {
  sending.marks?.show(owner, view);
  return await postDoneNotice(sending, owner, view);
}

/**
 * A reply in the thread that names the requester, for a run that took longer than NOTIFY_AFTER: edits notify nobody.
 * Posted once, over crashes too. Gives its ts; none where there is nothing to tell or Slack does not take it.
 */
async function postDoneNotice(
  sending: Sending,
  owner: FilesOwner,
  { requester, phase, namesFailure }: RunView,
): Promise<string[]> {
  if (phase.kind !== 'ended') return [];
  const end = endOf(phase.outcome);
  const words = DONE_WORDS[end];
  // A bot (B…) cannot be named.
  if (words === undefined || requester.startsWith('B')) return [];
  const { runId, place, createdAt, mayExist } = owner;
  const waitedMs = sending.now() - createdAt;
  // Where the kernel told no duration, what counts is how long its requester has waited.
  const tookMs = phase.outcome.durationMs > 0 ? phase.outcome.durationMs : waitedMs;
  const isNamed = namesFailure === true && end !== 'ok';
  if (tookMs <= sending.notifyAfterMs && !isNamed) return [];
  const text = `<@${requester}> ${words} ${renderElapsed(tookMs)}`;
  const metadata = { event_type: 'sparkthread_done', event_payload: { run: runId } };
  const blocks = [{ type: 'section' as const, text: { type: 'mrkdwn' as const, text } }];
  const message = new EditableMessage(sending, { runId, place, metadata, createdAt, mayExist });
  const giveUpAt = sending.now() + TRIED_MS;
  const sent = await message.send(
    () => ({ text, blocks, metadata }),
    async (ms) => {
      await delay(ms);
      return sending.now() < giveUpAt;
    },
  );
  if (sent.kind === 'posted') return [sent.ts];
  sending.log.warn({ event: 'run.notice', run: runId }, 'the requester was not told that the run has ended');
  return [];
}
