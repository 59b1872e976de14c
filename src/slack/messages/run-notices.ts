import { setTimeout as delay } from 'node:timers/promises';
import type { RunMessageOptions, RunView } from '../../runs/run-view.ts';
import { renderDuration } from '../../text.ts';
import { metadataOf } from '../api/posted.ts';
import { channelName, section } from '../blocks/elements.ts';
import { jsonSize } from '../blocks/rich-text.ts';
import { ENDS, scheduledEnd } from '../blocks/run-summary.ts';
import { renderRunMessage } from '../blocks/run/run-message.ts';
import { endOf } from '../blocks/run/run-text.ts';
import { renderRoot } from '../blocks/who-ran.ts';
import { attachFiles } from './attach-files.ts';
import { tries } from './client.ts';
import { type Attempt, EditableMessage, type Owner, type Render, type Sending } from './editable-message.ts';

/**
 * What is posted for a run besides its run message: the root message, the reply that says that it has ended, and its
 * end by direct message if the thread refuses it.
 */

/** How long the reply is tried; later it would be no news. */
const TRIED_MS = 60_000;

/**
 * Replies in the thread of a run that took longer than NOTIFY_AFTER and mentions its requester, because edits notify
 * nobody. Posted once, also over crashes. Returns its ts; none if there is nothing to tell or Slack does not take it.
 */
export async function postDoneNotice(
  sending: Sending,
  owner: Owner,
  { requester, phase, namesFailure }: RunView,
): Promise<string[]> {
  if (phase.kind !== 'ended') return [];
  const end = namesFailure === true ? scheduledEnd(phase.outcome) : endOf(phase.outcome);
  const words = ENDS[end].notice;
  // A bot without a user (B…) cannot be mentioned.
  if (words === undefined || requester.startsWith('B')) return [];
  const { runId, createdAt } = owner;
  const waitedMs = sending.now() - createdAt;
  // Without a duration from the kernel, the time counts that the requester has waited.
  const tookMs = phase.outcome.durationMs > 0 ? phase.outcome.durationMs : waitedMs;
  const isNamed = namesFailure === true && end !== 'ok';
  if (tookMs <= sending.notifyAfterMs && !isNamed) return [];
  const text = `<@${requester}> ${words} ${renderDuration(tookMs)}`;
  const message = new EditableMessage(sending, { ...owner, metadata: metadataOf('done', runId) });
  const giveUpAt = sending.now() + TRIED_MS;
  const sent = await message.send(
    () => ({ text, blocks: [section(text)] }),
    async (ms) => {
      await delay(ms);
      return sending.now() < giveUpAt;
    },
  );
  if (sent.kind === 'posted') return [sent.ts];
  sending.log.warn({ event: 'run.notice', run: runId }, 'the requester was not told that the run has ended');
  return [];
}

type Root = Pick<RunMessageOptions, 'runId' | 'requester' | 'channel' | 'createdAt' | 'recovered'> & {
  root: NonNullable<RunMessageOptions['root']>;
};

/**
 * Posts "@user ran python2" with the code; the run message goes into its thread. Posted once, however long Slack does
 * not answer. The requester is told if Slack refuses it. Rejects when `signal` says that a successor takes over.
 */
export async function postRoot(sending: Sending, root: Root, signal: AbortSignal): Promise<Attempt> {
  const { runId, requester, channel, createdAt, recovered: mayExist } = root;
  const owner = { runId, place: { channel, thread: '' }, createdAt, mayExist };
  const message = new EditableMessage(sending, { ...owner, metadata: metadataOf('root', runId), signal });
  const shown = { requester, ...root.root };
  const sent = await message.send(
    (room) => renderRoot(shown, room),
    async (ms) => await delay(ms, true, { signal }),
  );
  if (sent.kind === 'refused') {
    const told = `Your run in ${channelName(channel)} has no place for its answer: Slack refused the message (${sent.code}).`;
    const { notify } = sending.client;
    await notify.person({ channel, user: requester }, told);
  }
  return sent;
}

/** How often the direct message is tried before the requester gets an ephemeral message. */
const DIRECT_TRIES = 12;

/**
 * Sends the end of a run to its requester by direct message, with its files in that message's thread, because the run's
 * own thread refuses it (`reason`: Slack's error). Never rejects: failures are logged.
 */
export async function deliverDirectly(
  sending: Sending,
  options: RunMessageOptions,
  view: RunView,
  reason: string,
): Promise<void> {
  const { client, log, now } = sending;
  const { runId, requester, channel, createdAt, recovered: mayExist } = options;
  const why = `The answer to your run in ${channelName(channel)} could not be posted there (${reason}).`;
  const head = section(why);
  let shown: RunView = { ...view, actions: [] };
  const renderBody = (room: number) => renderRunMessage(shown, now(), Math.max(0, room - jsonSize([head])));
  const render: Render = (room) => {
    const { message } = renderBody(room);
    return { ...message, text: `${why}\n${message.text}`, blocks: [head, ...message.blocks] };
  };
  try {
    const place = { channel: await client.openDirect(requester), thread: '' };
    const owner = { runId, place, createdAt, mayExist };
    const message = new EditableMessage(sending, { ...owner, metadata: metadataOf('answer', runId) });
    const sent = await message.send(render, tries(DIRECT_TRIES));
    if (sent.kind !== 'posted') throw new Error(sent.kind === 'refused' ? sent.code : sent.reason);
    const { files } = renderBody(message.room);
    const inThread = { ...owner, place: { ...place, thread: sent.ts } };
    const { missing } = await attachFiles(sending, inThread, files, new Map());
    if (missing.length === 0) return;
    log.warn({ event: 'direct.incomplete', run: runId, missing }, 'files not attached');
    shown = { ...shown, unattached: missing };
    await message.send(render, tries(DIRECT_TRIES), 'urgent');
  } catch (error) {
    log.warn({ event: 'direct.failed', run: runId, err: error }, 'a direct message could not be sent');
    const { notify } = client;
    await notify.person({ channel, thread: options.thread, user: requester }, render(0).text);
  }
}
