import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onJoined, welcomeFirst } from '../../../../src/slack/listeners/events/message.ts';
import { readPosted } from '../../../../src/slack/parsing/message-event.ts';
import { personOf, POLICY } from './people.ts';

function createBot({ runs = [] as Partial<Run>[], isGuest = false } = {}) {
  const told: { channel: string; text: string }[] = [];
  const claims = new Set<string>();
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    policy: POLICY,
    users: {
      find: async (id: string) => personOf(id, { isGuest }),
    },
    notify: {
      channel: async ({ channel }: { channel: string }, text: string) => void told.push({ channel, text }),
    },
    runs: {
      newest: async (_: 'channel', [channel]: string[]) => runs.filter((run) => run.channel === channel),
    },
    markSeen: async (key: string) => !claims.has(key) && claims.add(key).has(key),
    forgetSeen: async (key: string) => void claims.delete(key),
    memory: createListenerMemory(),
    log: silentLog,
  } as unknown as Bot;
  return { bot, told };
}

const direct = readPosted(
  { type: 'message', channel: 'D1', channel_type: 'im', user: 'U1', text: 'hi', ts: '1.0' },
  'UBOT',
)!;

test('the first direct message is answered with a welcome, once, also over processes, whatever was run elsewhere', async () => {
  const { bot, told } = createBot({
    runs: [
      { channel: 'D1', data: { message: 'message/T1/D1/1.0' } as Run['data'] },
      { channel: 'C1', data: { message: 'message/T1/C1/0.5' } as Run['data'] },
    ],
  });
  await welcomeFirst(direct, bot);
  await welcomeFirst({ ...direct, ts: '2.0' }, bot);
  await welcomeFirst({ ...direct, ts: '2.0' }, { ...bot, memory: createListenerMemory() });
  expect(told).toEqual([{ channel: 'D1', text: expect.stringContaining('/spark spark.range(10).count()') }]);
});

test.each([
  ['who has run code here before', { runs: [{ channel: 'D1', data: {} as Run['data'] }] }, {}],
  ['who is a guest', { isGuest: true }, {}],
  ['in a thread', {}, { thread: '0.9' }],
  ['in a channel', {}, { isDirect: false }],
  ['who is a bot', {}, { botIds: ['B1'] }],
])('somebody %s gets no welcome', async (_who, options, change) => {
  const { bot, told } = createBot(options);
  await welcomeFirst({ ...direct, ...change }, bot);
  expect(told).toEqual([]);
});

test('a channel that the bot is invited to is welcomed, once; joins of other people are ignored', async () => {
  const { bot, told } = createBot();
  const joined = { type: 'member_joined_channel', user: 'UBOT', channel: 'C1', event_ts: '1.0' };
  await onJoined(joined, bot);
  await onJoined(joined, bot);
  await onJoined({ ...joined, user: 'U1', event_ts: '2.0' }, bot);
  expect(told.map(({ channel }) => channel)).toEqual(['C1']);
});
