import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunNow } from '../../../../src/slack/listeners/actions/notice-buttons.ts';

test('for a button with the value of an earlier version the person is told so', async () => {
  const said: unknown[] = [];
  const bot = {
    notify: { person: async (where: unknown, text: string) => void said.push(where, text) },
    memory: createListenerMemory(),
    log: silentLog,
  } as unknown as Bot;
  let isAcked = false;
  await onRunNow(
    {
      ack: async () => void (isAcked = true),
      body: { user: { id: 'U1' }, channel: { id: 'C1' }, container: {}, message: { thread_ts: '4.0' } },
      action: { type: 'button', action_id: 'late:run', value: 'C1 4.0' },
    } as never,
    bot,
  );
  expect(said).toEqual([
    { user: 'U1', channel: 'C1', thread: '4.0' },
    expect.stringMatching(/^This button is of an earlier version/),
  ]);
  expect(isAcked).toBe(true);
});
