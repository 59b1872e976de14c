import { setTimeout as delay } from 'node:timers/promises';
import type { KnownBlock } from '@slack/types';
import { SlackError } from '../../errors.ts';
import type { RunMessageOptions, RunView } from '../../runs/run-view.ts';
import { renderRunMessage } from '../blocks/run/run-message.ts';
import { attachFiles } from './attach-files.ts';
import type { SlackMessage } from './client.ts';
import { EditableMessage, type Sending } from './editable-message.ts';

/** So often a direct message is tried; then a private word is what is left. */
const DIRECT_TRIES = 12;

/**
 * Sends the end of a run to its requester by direct message, with its files in that thread: its own thread refuses it
 * (`reason`: Slack's error). Never rejects: what could not be sent either is in the log.
 */
export async function deliverDirectly(
  sending: Sending,
  options: RunMessageOptions,
  view: RunView,
  reason: string,
): Promise<void> {
  const { client, log, now } = sending;
  const { runId, requester, channel, createdAt, recovered } = options;
  const render = (room: number): SlackMessage => {
    const { message } = renderRunMessage({ ...view, actions: [] }, now(), room);
    return {
      ...message,
      text: `${why(channel, reason)}\n${message.text}`,
      blocks: withReason(message.blocks),
    };
  };
  const withReason = (blocks: readonly KnownBlock[]): KnownBlock[] => [
    { type: 'section', text: { type: 'mrkdwn', text: why(channel, reason) } },
    ...blocks,
  ];
  try {
    const place = { channel: await client.openDirect(requester), thread: '' };
    const metadata = { event_type: 'sparkthread_answer', event_payload: { run: runId } };
    const found = { metadata, createdAt, mayExist: recovered };
    const message = new EditableMessage(sending, { runId, place, ...found });
    let tries = 0;
    const sent = await message.send(render, async (ms) => {
      await delay(ms);
      return (tries += 1) < DIRECT_TRIES;
    });
    if (sent.kind !== 'posted')
      throw new SlackError('notDelivered', sent.kind === 'refused' ? sent.code : sent.reason);
    const { files } = renderRunMessage(view, now(), message.room);
    const owner = { runId, place: { ...place, thread: sent.ts }, createdAt, mayExist: recovered };
    const { missing } = await attachFiles(sending, owner, files, new Set());
    if (missing.length > 0)
      log.warn({ event: 'direct.incomplete', run: runId, missing }, 'files not attached');
  } catch (error) {
    log.warn({ event: 'direct.failed', run: runId, err: error }, 'no direct message to the requester');
    await client
      .notifyPrivately({ channel, thread: options.thread }, requester, render(0).text)
      .catch((again: unknown) =>
        log.error({ event: 'direct.untold', run: runId, err: again }, 'the requester could not be told'),
      );
  }
}

function why(channel: string, reason: string): string {
  return `The answer to your run in <#${channel}> could not be posted there (${reason}).`;
}
