import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StoreError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { classifyMessage } from '../../../../src/slack/listeners/events/classify.ts';
import { onMessageChanged } from '../../../../src/slack/listeners/events/message-changed.ts';
import { onMessage } from '../../../../src/slack/listeners/events/message.ts';
import { readPosted } from '../../../../src/slack/parsing/message-event.ts';
import { summarizeCode } from '../../../../src/store/run-reader.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

// Just after the messages of these tests were written.
beforeEach(() => void vi.setSystemTime(10_000));
afterEach(() => void vi.useRealTimers());

/** The ports that message events use; `store` lists what the store was asked. */
function createBot({ hasRuns = false, onStop = () => {} }: { hasRuns?: boolean; onStop?: () => void } = {}) {
  const store: string[] = [];
  const left: unknown[] = [];
  const told: string[] = [];
  const claims = new Set<string>();
  const run = { id: 'r1', requester: 'U1', data: {} } as Run;
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    policy: POLICY,
    users: { find: async (id: string) => personOf(id, { isWorkspaceAdmin: true }) },
    notify: { person: async (_: unknown, text: string) => void told.push(text), channel: async () => {} },
    control: {
      newestUnfinished: () => run,
      awaitingInput: () => undefined,
      stop: () => onStop(),
    },
    markSeen: async (key: string) =>
      store.push(`claim ${key}`) > 0 && !claims.has(key) && claims.add(key).has(key),
    forgetSeen: async (key: string) => void claims.delete(key),
    isKnown: async (key: string) => claims.has(key),
    runOf: async (key: string) => void store.push(`runOf ${key}`),
    runs: {
      newest: async (index: string, _of: string[], limit?: number) =>
        store.push(`newest of ${index}${limit === undefined ? '' : `, ${limit}`}`) > 0 && hasRuns
          ? [run]
          : [],
    },
    memory: createListenerMemory(),
    log: silentLog,
    audit: silentAudit,
  } as unknown as Bot;
  return { bot, store, left, told, ticket: { leaveUnacknowledged: (why: Error) => void left.push(why) } };
}

const plain = { type: 'message', user: 'U1', text: 'lunch?', ts: '1.0' };
const deletion = (ts: string, before: object | undefined) => ({
  type: 'message',
  subtype: 'message_deleted',
  channel: 'C1',
  deleted_ts: ts,
  ...(before === undefined ? {} : { previous_message: { ...before, ts } }),
});

test('deleted talk in a channel without runs reads the store once', async () => {
  const { bot, store, ticket } = createBot();
  for (const ts of ['1.0', '2.0', '3.0']) await onMessageChanged(deletion(ts, plain), ticket, bot);
  expect(store).toEqual(['newest of channel, 1']);
});

test.each([
  ['that calls the bot', { ...plain, text: '<@UBOT> `1`' }],
  ['that is a code block', { ...plain, text: '```1```' }],
  ['of which Slack does not say what it was', undefined],
])(
  'a deleted message %s is remembered, so that it makes no run when it comes late',
  async (_what, before) => {
    const { bot, store, ticket } = createBot();
    await onMessageChanged(deletion('1.0', before), ticket, bot);
    expect(store).toContain('claim message/T1/C1/1.0/deleted');
  },
);

test('deleted talk in a channel with runs is looked up: a shortcut may have run it', async () => {
  const { bot, store, ticket } = createBot({ hasRuns: true });
  await onMessageChanged(deletion('1.0', plain), ticket, bot);
  expect(store).toContain('newest of thread');
});

test('a deleted message whose run is further back than its thread is read is in the audit, too', async () => {
  const { bot, ticket } = createBot({ hasRuns: false });
  const said: string[] = [];
  const run = { id: 'r1', requester: 'U1', thread: '1.0', data: {} } as Run;
  Object.assign(bot, {
    runOf: async () => run,
    runs: { newest: async () => [], erase: async ({ id }: Run) => void said.push(`erased ${id}`) },
    audit: { record: (entry: { audit?: string }) => void said.push(String(entry.audit)), refuse: () => {} },
  });
  await onMessageChanged(deletion('1.0', undefined), ticket, bot);
  expect(said).toEqual(['delete', 'erased r1']);
});

test.each([
  ['still holds the file that ran', [{ id: 'F1', name: 'a.py', mode: 'hosted', size: 8 }], []],
  ['holds it no more', [], ['erased r1']],
])('a message that no longer mentions the bot and %s', async (_what, files, erased) => {
  const { bot, ticket } = createBot({ hasRuns: true });
  const said: string[] = [];
  const run = {
    id: 'r1',
    requester: 'U1',
    thread: '1.0',
    data: { source: 'file', message: 'message/T1/C1/1.0', ...summarizeCode(['print(1)']) },
  } as Run;
  Object.assign(bot, {
    languages: async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} }),
    readFiles: async () => [{ code: 'print(1)' }],
    runs: {
      newest: async () => [run],
      erase: async ({ id }: Run) => void said.push(`erased ${id}`),
    },
  });
  const edit = {
    type: 'message',
    subtype: 'message_changed',
    channel: 'C1',
    message: { ...plain, text: 'see file', files, edited: { user: 'U1', ts: '2.0' } },
    previous_message: { ...plain, text: '<@UBOT>', files },
  };
  await onMessageChanged(edit, ticket, bot);
  expect(said).toEqual(erased);
});

test('after its answer was deleted, an edited message gets a new answer, not the old one’s message', async () => {
  const { bot, ticket } = createBot({ hasRuns: true });
  const submitted: object[] = [];
  const run = {
    id: 'r1',
    requester: 'U1',
    thread: '1.0',
    data: { message: 'message/T1/C1/1.0', messageTs: '1.5', erased: true, ...summarizeCode(['1']) },
  } as Run;
  await bot.markSeen('message/T1/C1/1.0');
  Object.assign(bot, {
    languages: async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} }),
    runs: { newest: async () => [run], find: async () => undefined },
    onRefused: () => undefined,
    admission: {
      async submit(request: object) {
        submitted.push(request);
        return { kind: 'duplicate' };
      },
      replaceWaiting: async () => false,
    },
  });
  const edit = {
    type: 'message',
    subtype: 'message_changed',
    channel: 'C1',
    message: { ...plain, text: '<@UBOT> `2`', edited: { user: 'U1', ts: '2.0' } },
    previous_message: { ...plain, text: '<@UBOT> `1`' },
  };
  await onMessageChanged(edit, ticket, bot);
  expect(submitted).toMatchObject([{ source: 'mention', snippet: { blocks: ['2'] } }]);
  expect(submitted[0]).not.toHaveProperty('follows');
});

test('an edited message that was nearly a command can run as that message’s code', async () => {
  const { bot, ticket } = createBot();
  let asked = '';
  const person = async (_: unknown, __: string, blocks: unknown): Promise<void> =>
    void (asked = JSON.stringify(blocks));
  Object.assign(bot, {
    notify: { person },
    languages: async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} }),
  });
  const edit = {
    type: 'message',
    subtype: 'message_changed',
    channel: 'C1',
    message: { ...plain, text: '<@UBOT> restrat', edited: { user: 'U1', ts: '2.0' } },
    previous_message: plain,
  };
  await onMessageChanged(edit, ticket, bot);
  expect(asked).toContain(String.raw`\"requestKey\":\"message/T1/C1/1.0\"`);
});

test('the bot’s own edits and deletions are dropped before anything is parsed or looked up', async () => {
  const { bot, store, ticket } = createBot({ hasRuns: true });
  let isRead = false;
  const message = {
    user: 'UBOT',
    get blocks() {
      isRead = true;
      return [];
    },
  };
  await onMessageChanged({ subtype: 'message_changed', channel: 'C1', message }, ticket, bot);
  await onMessageChanged({ ...deletion('1.0', undefined), previous_message: message }, ticket, bot);
  expect({ isRead, store }).toEqual({ isRead: false, store: [] });
});

test('`!stop` whose store was silent is left unacknowledged, and stops when Slack brings it again', async () => {
  const stops: number[] = [];
  const onStop = (): void => {
    if (stops.push(1) === 1) throw new StoreError('silent', 'no answer');
  };
  const { bot, left, told, ticket } = createBot({ hasRuns: true, onStop });
  const event = { ...plain, text: '!stop', channel: 'C1', ts: '5.0', thread_ts: '4.0' };
  await onMessage(event, ticket, bot);
  expect(left).toHaveLength(1);
  expect(told).toEqual([]);
  await onMessage(event, ticket, bot);
  await onMessage(event, ticket, bot);
  expect(stops).toHaveLength(2);
  expect(told).toEqual(['Stopping it.']);
});

test.each([
  ['!stop', false],
  ['!stop', true],
  ['!stats', true],
  ['```1```', true],
])('%j in a thread reads one run once (with runs: %j)', async (text, hasRuns) => {
  const { bot, store } = createBot({ hasRuns });
  const posted = readPosted({ ...plain, text, channel: 'C1', ts: '5.0', thread_ts: '4.0' }, bot.userId);
  if (posted === undefined) throw new Error('it is no message');
  expect((await classifyMessage(posted, bot))?.source).toBe(hasRuns ? 'thread' : undefined);
  expect(store).toEqual(['newest of thread, 1']);
});

test.each([
  ['deleted', deletion('1.0', { ...plain, text: '<@UBOT> stop' })],
  [
    'edited',
    {
      type: 'message',
      subtype: 'message_changed',
      channel: 'C1',
      message: { ...plain, text: '<@UBOT> stop', edited: { user: 'U1', ts: '2.0' } },
      previous_message: { ...plain, text: '<@UBOT> stopp' },
    },
  ],
])(
  'a command that comes after it was %s was begun by nobody, and nothing is said of it',
  async (_what, change) => {
    const { bot, told, ticket } = createBot();
    const languages = async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} });
    Object.assign(bot, { languages, editWindowMs: 600_000 });
    await onMessageChanged(change, ticket, bot);
    told.splice(0);
    await onMessage({ ...plain, channel: 'C1', text: '<@UBOT> stop' }, ticket, bot);
    expect(told).toEqual([]);
  },
);
