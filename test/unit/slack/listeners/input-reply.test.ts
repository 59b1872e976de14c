import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onMessageChanged } from '../../../../src/slack/listeners/events/message-changed.ts';
import { onMessage } from '../../../../src/slack/listeners/events/message.ts';
import { personOf, POLICY } from './people.ts';

// Just after the messages of these tests were written.
beforeEach(() => void vi.setSystemTime(10_000));
afterEach(() => void vi.useRealTimers());

/** A bot whose run in the thread 4.0 asks U1 for a line. */
function createBot({ password = false } = {}) {
  const given: string[] = [];
  const told: string[] = [];
  const ran: string[] = [];
  const claims = new Set<string>();
  const data = { inputRequest: { id: 'q1', prompt: 'name?', password } };
  const asking = { id: 'r1', requester: 'U1', data } as unknown as Run;
  let isOpen = true;
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    policy: POLICY,
    users: {
      find: async (id: string) => personOf(id),
    },
    notify: {
      person: async (_: unknown, text: string) => void told.push(text),
      channel: async (_: unknown, text: string) => void told.push(text),
    },
    control: {
      awaitingInput: (_w: string, _c: string, thread: string, user: string) =>
        isOpen && thread === '4.0' && user === 'U1' ? asking : undefined,
      answerInput: async (_run: Run, _id: string, line: string) => given.push(line) > 0,
    },
    languages: async () => ({ kernelspecs: [], aliases: new Map() }),
    admission: {
      submit: async ({ requestKey, snippet }: { requestKey: string; snippet: { blocks: string[] } }) => {
        if (claims.has(requestKey)) return { kind: 'duplicate' };
        ran.push(...snippet.blocks);
        return { kind: 'duplicate' };
      },
    },
    onRefused: () => {},
    markSeen: async (key: string) => !claims.has(key) && claims.add(key).has(key),
    forgetSeen: async (key: string) => void claims.delete(key),
    isKnown: async (key: string) => claims.has(key),
    runs: { newest: async (index: string) => (index === 'channel' ? [asking] : []) },
    channelSettings: { read: () => ({}) },
    autoRun: 'mention',
    memory: createListenerMemory(),
    audit: { record: () => {}, refuse: () => {} },
    log: silentLog,
  } as unknown as Bot;
  return { bot, given, told, ran, close: () => (isOpen = false) };
}

const ticket = { leaveUnacknowledged: () => {} };
const reply = { type: 'message', channel: 'C1', user: 'U1', ts: '5.0', thread_ts: '4.0' };

test.each([
  ['Ana &amp; Ben', 'Ana & Ben'],
  ['`a_b *c*`', 'a_b *c*'],
  ['“quoted” on a phone', '"quoted" on a phone'],
  ['help', 'help'],
])('%j in the thread is the line for the code', async (text, line) => {
  const { bot, given, told } = createBot();
  await onMessage({ ...reply, text }, ticket, bot);
  await onMessage({ ...reply, text }, ticket, bot);
  expect({ given, told }).toEqual({ given: [line], told: [] });
});

test.each([
  ['of somebody else', { user: 'U2' }],
  ['in another thread', { thread_ts: '3.0' }],
  ['outside threads', { thread_ts: undefined }],
  ['that is a code block', { text: '```1```' }],
  ['without text', { text: '' }],
])('a message %s answers nothing', async (_what, change) => {
  const { bot, given, told } = createBot();
  await onMessage({ ...reply, text: 'Ana', ...change }, ticket, bot);
  expect({ given, told }).toEqual({ given: [], told: [] });
});

test('a password is not taken from a reply, which everybody can read', async () => {
  const { bot, given, told } = createBot({ password: true });
  await onMessage({ ...reply, text: 'hunter2' }, ticket, bot);
  expect(given).toEqual([]);
  expect(told).toEqual([expect.stringContaining('everybody here can read')]);
  expect(told.join()).not.toContain('hunter2');
});

test('a reply of several lines is refused, and its code is not run in a direct message', async () => {
  const { bot, given, told, ran } = createBot();
  await onMessage({ ...reply, channel: 'D1', channel_type: 'im', text: 'a\nb' }, ticket, bot);
  expect({ given, ran }).toEqual({ given: [], ran: [] });
  expect(told).toEqual([expect.stringContaining('one line')]);
});

test('a reply that was given does not run as code if it is repeated or edited in a direct message', async () => {
  const { bot, given, ran, close } = createBot();
  const direct = { ...reply, channel: 'D1', channel_type: 'im', text: 'x = 1' };
  await onMessage(direct, ticket, bot);
  close();
  // Another process has another memory.
  const successor = { ...bot, memory: createListenerMemory() };
  await onMessage(direct, ticket, successor);
  const edited = { ...direct, text: 'x = 2', edited: { user: 'U1', ts: '6.0' } };
  const change = {
    type: 'message',
    subtype: 'message_changed',
    channel: 'D1',
    channel_type: 'im',
    message: edited,
  };
  await onMessageChanged({ ...change, previous_message: direct }, ticket, successor);
  expect({ given, ran }).toEqual({ given: ['x = 1'], ran: [] });
});
