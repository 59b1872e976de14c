import { setTimeout as delay } from 'node:timers/promises';
import type { RunMessageOptions } from '../../runs/run-view.ts';
import { renderRoot } from '../blocks/root-message.ts';
import { type Attempt, EditableMessage, type Sending } from './editable-message.ts';

type Root = Pick<RunMessageOptions, 'runId' | 'requester' | 'channel' | 'createdAt' | 'recovered'> & {
  root: NonNullable<RunMessageOptions['root']>;
};

/**
 * Posts "@user ran python2" with the code, in whose thread the run message goes: once, however long Slack is away. The
 * requester is told when Slack refuses it. Rejects when the signal says that a successor goes on.
 */
export async function postRoot(sending: Sending, root: Root, signal: AbortSignal): Promise<Attempt> {
  const { runId, requester, channel, createdAt, recovered } = root;
  const place = { channel, thread: '' };
  const metadata = { event_type: 'sparkthread_root', event_payload: { run: runId } };
  const message = new EditableMessage(sending, {
    runId,
    place,
    metadata,
    createdAt,
    mayExist: recovered,
    signal,
  });
  const shown = { requester, ...root.root };
  const sent = await message.send(
    (room) => ({ ...renderRoot(shown, room), metadata }),
    async (ms) => await delay(ms, true, { signal }),
  );
  if (sent.kind === 'refused') {
    const told = `Your run in <#${channel}> has no place for its answer: Slack refused the message (${sent.code}).`;
    await sending.client.notifyPrivately(place, requester, told).catch((error: unknown) => {
      sending.log.warn(
        { event: 'requester.untold', run: runId, err: error },
        'the requester could not be told',
      );
    });
  }
  return sent;
}
