import { expect, test } from 'vitest';
import { OpenConnection } from '../../../../src/gateway/connection/connection.ts';
import type { ConnectionEvent } from '../../../../src/gateway/gateway.ts';
import { silentLog } from '../../../../src/log.ts';
import { createParts } from '../../../support/gateway-parts.ts';

/** What a connection is before it is open, and after; what it does meanwhile is in the traps. */

function createConnection() {
  const { options, interrupts } = createParts();
  const events: ConnectionEvent[] = [];
  let closed = 0;
  const connection = new OpenConnection(
    options,
    undefined,
    false,
    { interrupts, log: silentLog },
    (event) => void events.push(event),
    () => void (closed += 1),
  );
  return { connection, events, closed: () => closed };
}

const request = { msgId: 'e', code: '1', allowStdin: false };

test('OpenConnection: an execution on a closed connection is never written, and has a checkpoint', async () => {
  const { connection, closed } = createConnection();
  const waiting = connection.execute(request);
  await connection.close();
  const late = connection.execute({ ...request, msgId: 'late' });
  for (const { checkpoint } of [waiting, late]) expect(checkpoint).toMatchObject({ isWritten: false });
  for await (const said of late) throw new Error(`it says ${said.kind}`);
  expect(closed()).toBe(1);
});

test('OpenConnection: a missing kernel is reported once, and gets nothing more', async () => {
  const { connection, events } = createConnection();
  const waiting = connection.execute(request);
  connection.onGone('it was shut down');
  connection.onGone('again');
  expect(events).toEqual([{ kind: 'kernelGone', detail: 'it was shut down' }]);
  expect(await waiting.end).toMatchObject({ kind: 'notSent', detail: 'it was shut down' });
  expect(await connection.execute(request).end).toMatchObject({
    kind: 'notSent',
    detail: 'the kernel is gone: it was shut down',
  });
  expect(await connection.resume({ msgId: 'before' }).end).toMatchObject({ kind: 'kernelGone' });
  expect(await connection.isThere(new AbortController().signal)).toBe(false);
});

test('OpenConnection: with an aborted signal an execution is not sent', async () => {
  const { connection } = createConnection();
  const execution = connection.execute({ ...request, signal: AbortSignal.abort() });
  expect(await execution.end).toMatchObject({ kind: 'notSent', detail: 'stopped before it was sent' });
  await connection.close();
});
