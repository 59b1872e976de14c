import { expect, test } from 'vitest';
import { StoreError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunNow } from '../../../../src/slack/listeners/actions/notice-buttons.ts';
import { onInputSubmitted } from '../../../../src/slack/listeners/input.ts';
import { onInteraction } from '../../../../src/slack/listeners/interactions.ts';
import { silentAudit } from '../../../support/silent-audit.ts';

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

test('a modal of an earlier version is told as that at its first field, where what was typed stays', async () => {
  const acks: unknown[] = [];
  const submit = async (private_metadata: string): Promise<void> =>
    await onInputSubmitted(
      {
        ack: async (answer: unknown) => void acks.push(answer),
        body: { user: { id: 'U1' } },
        view: { private_metadata, blocks: [{ type: 'section' }, { type: 'input', block_id: 'typed' }] },
      } as never,
      {} as Bot,
    );
  await submit('');
  await submit('{"lane":"T1/C1"}');
  const errors = { typed: expect.stringMatching(/^This form is of an earlier version/) };
  expect(acks).toEqual([
    { response_action: 'errors', errors },
    { response_action: 'errors', errors },
  ]);
});

test.each(['home', 'modal'])(
  'a press in a %s that the silent store could not accept is left to Slack’s sign of a failure, and told in words later',
  async (type) => {
    const said: unknown[] = [];
    const bot = {
      notify: { person: async (where: unknown, text: string) => void said.push(where, text) },
      memory: createListenerMemory(),
      audit: silentAudit,
      log: silentLog,
    } as unknown as Bot;
    const press = onInteraction({ what: 'a button', read: () => 1, asked: () => ({ act: 'runSaved' }) }, () =>
      Promise.reject(new StoreError('silent', 'no answer')),
    );
    const acks: unknown[] = [];
    const body = { user: { id: 'U1' }, container: {}, view: { type } };
    const args = {
      ack: async () => void acks.push(type),
      body,
      action: { type: 'button', action_id: 'a' },
    } as never;
    await press(args, bot);
    expect(said).toEqual([
      { user: 'U1', channel: undefined, thread: undefined },
      expect.stringMatching(/could not be accepted, nothing ran/),
    ]);
    // Who presses often is not told each time, but sees it each time.
    for (let presses = 1; presses < 30; presses += 1) await press(args, bot);
    expect(said.length).toBeLessThan(30);
    expect(acks).toEqual([]);
  },
);
