import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AuditEntry } from '../../../../src/audit/audit.ts';
import { UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onRunNow } from '../../../../src/slack/listeners/actions/notice-buttons.ts';
import { onMessageChanged } from '../../../../src/slack/listeners/events/message-changed.ts';
import { onMessage } from '../../../../src/slack/listeners/events/message.ts';
import { personOf, POLICY } from './people.ts';

const WRITTEN_S = 1_700_000_000;
const MINUTE_MS = 60_000;
const arriveAfter = (minutes: number): void => void vi.setSystemTime(WRITTEN_S * 1_000 + minutes * MINUTE_MS);

beforeEach(() => arriveAfter(16));
afterEach(() => void vi.useRealTimers());

const ticket = { leaveUnacknowledged: () => undefined };
const code = {
  type: 'message',
  user: 'U1',
  text: '<@UBOT> `1 + 1`',
  channel: 'C1',
  ts: `${WRITTEN_S}.000100`,
};
const edited = { ...code, text: '<@UBOT> `2 + 2`', edited: { user: 'U1', ts: `${WRITTEN_S + 60}.000200` } };
const edit = {
  type: 'message',
  subtype: 'message_changed',
  channel: 'C1',
  message: edited,
  previous_message: code,
};

interface Told {
  text: string;
  blocks?: readonly { elements?: readonly { value?: string }[] }[];
}

interface Given {
  run?: Run;
  /** The message as Slack has it by now. */
  found?: object | undefined;
  /** Why the first runs are refused. */
  refusals?: string[];
  /** Whether the channel is on `auto`, each time that it is asked; by default it is. */
  autos?: boolean[];
  isGuest?: boolean;
  /** Slack does not say who somebody is. */
  isUnknown?: boolean;
}

function createBot({
  run,
  found = code,
  refusals = [],
  autos = [],
  isGuest = false,
  isUnknown = false,
}: Given = {}) {
  const told: Told[] = [];
  const audited: string[] = [];
  const replaced: unknown[] = [];
  const ran: { code: readonly string[]; requestKey: string }[] = [];
  const claims = new Set(['welcome/T1/U1']);
  const tell = async (_: unknown, text: string, blocks?: Told['blocks']): Promise<void> =>
    void told.push({ text, ...(blocks === undefined ? {} : { blocks }) });
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    editWindowMs: 10 * MINUTE_MS,
    policy: POLICY,
    users: {
      find: async (id: string) => personOf(id, { isGuest, isUnknown }),
    },
    notify: { person: tell, channel: tell },
    control: { awaitingInput: () => undefined },
    threads: { message: async ({ channel }: { channel: string }) => (channel === 'C1' ? found : undefined) },
    languages: async () => ({ kernelspecs: { list: [], defaultName: undefined }, aliases: {} }),
    channelSettings: { read: () => ({ auto: autos.shift() ?? true }) },
    saved: { find: () => undefined },
    admission: {
      submit: async ({ requestKey, snippet }: { requestKey: string; snippet: { blocks: string[] } }) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) throw new UserError('tooManyRuns', refusal);
        if (!claims.has(requestKey)) ran.push({ code: snippet.blocks, requestKey });
        claims.add(requestKey);
        return { kind: 'duplicate' };
      },
      replaceWaiting: async () => false,
    },
    runs: {
      erase: async () => undefined,
      code: async () => ['1 + 1'],
      newest: async () => (run === undefined ? [] : [run]),
    },
    onRefused: () => undefined,
    markSeen: async (key: string) => !claims.has(key) && claims.add(key).has(key),
    forgetSeen: async (key: string) => void claims.delete(key),
    isKnown: async (key: string) => claims.has(key),
    runOf: async () => undefined,
    memory: createListenerMemory(),
    audit: {
      record: ({ audit, event }: AuditEntry) => void audited.push(`${audit} ${event}`),
      refuse: (_: unknown, { audit, reason }: AuditEntry) => void audited.push(`${audit} refused: ${reason}`),
    },
    log: silentLog,
  } as unknown as Bot;
  const press = async (offer = told.at(-1), user = 'U1', pressedIn = 'C1'): Promise<void> => {
    const value = offer?.blocks?.[1]?.elements?.[0]?.value;
    const body = { user: { id: user }, channel: { id: pressedIn }, container: { type: 'message' } };
    const action = { type: 'button', action_id: 'late:run', value };
    const respond = async (words: unknown): Promise<void> => void replaced.push(words);
    await onRunNow({ ack: async () => undefined, body, action, respond } as never, bot);
  };
  return { bot, told, ran, claims, press, audited, replaced };
}

test('Run now is offered even if Slack does not say who wrote the message: the press asks again', async () => {
  const { bot, told } = createBot({ isUnknown: true });
  await onMessage(code, ticket, bot);
  expect(told.at(-1)?.blocks?.[1]?.elements?.[0]?.value).toBeDefined();
});

test('if the offer is in direct messages, the press runs the message where it was written', async () => {
  const { bot, told, ran, press } = createBot();
  await onMessage(code, ticket, bot);
  await press(told.at(-1), 'U1', 'D1');
  expect(ran.map(({ code: blocks }) => blocks)).toEqual([['1 + 1']]);
});

test.each([14, 15])('a message that comes %i minutes after it was written runs', async (minutes) => {
  const { bot, told, ran } = createBot();
  arriveAfter(minutes);
  await onMessage(code, ticket, bot);
  expect({ told, code: ran.map((each) => each.code) }).toEqual({ told: [], code: [['1 + 1']] });
});

test.each([
  ['a mention', code],
  ['a direct message', { ...code, channel: 'D1', channel_type: 'im', text: '1 + 1' }],
  ['a code block in a channel on auto', { ...code, text: '```1 + 1```' }],
  ['a command', { ...code, text: '<@UBOT> restart' }],
])('%s that comes later is offered with Run now, once, and does nothing by itself', async (_what, event) => {
  const { bot, told, ran } = createBot();
  await onMessage(event, ticket, bot);
  await onMessage({ ...event, type: 'app_mention' }, ticket, bot);
  expect(ran).toEqual([]);
  expect(told).toHaveLength(1);
  expect(told[0]?.text).toBe(
    'Slack brought this message 16 min after it was written, so it did not run by itself.',
  );
  expect(JSON.stringify(told[0]?.blocks)).toContain('"Run now"');
});

test.each([
  ['code', code],
  ['an edit', edit],
])('a person who may not run code is told so, and is offered nothing: %s', async (_what, event) => {
  const data = { message: `message/T1/C1/${code.ts}`, edition: 1, kernelspec: 'python3' };
  const run = { id: 'r1', requester: 'U1', channel: 'C1', thread: code.ts, state: 'posted', data } as Run;
  const { bot, told } = createBot({ isGuest: true, run });
  arriveAfter(18);
  await (event === edit ? onMessageChanged : onMessage)(event, ticket, bot);
  expect(told).toEqual([{ text: 'Guests may not use Sparkthread here.' }]);
});

test('late talk is ignored, and so is a late repetition of a message that ran in time', async () => {
  const { bot, told, claims } = createBot();
  await onMessage({ ...code, text: 'lunch?' }, ticket, bot);
  claims.add(`message/T1/C1/${code.ts}`);
  await onMessage(code, ticket, bot);
  expect(told).toEqual([]);
});

test('Run now runs the present message under its own request', async () => {
  const { bot, ran, press, replaced } = createBot();
  await onMessage(code, ticket, bot);
  await press();
  expect(replaced).toEqual([
    { replace_original: true, text: 'Slack brought this message late; its author has pressed Run now.' },
  ]);
  await press();
  expect(ran).toEqual([{ code: ['1 + 1'], requestKey: `message/T1/C1/${code.ts}` }]);
  const later = createBot({ found: edited });
  await onMessage(code, ticket, later.bot);
  await later.press();
  expect(later.ran).toMatchObject([{ code: ['2 + 2'] }]);
});

test('only the author can press Run now, and is told if the message is gone', async () => {
  const { bot, told, ran, press } = createBot();
  await onMessage(code, ticket, bot);
  await press(undefined, 'U2');
  expect(told.at(-1)?.text).toContain('is not yours');
  const gone = createBot({ found: { ...code, subtype: 'tombstone' } });
  await onMessage(code, ticket, gone.bot);
  await gone.press();
  expect(gone.told.at(-1)?.text).toContain('no longer there');
  expect([...ran, ...gone.ran]).toEqual([]);
});

test('each refusal of Run now is told, and it runs when it is pressed again', async () => {
  const refusals = ['Your runs are too many.', 'Still too many.'];
  const { bot, told, ran, press, audited, replaced } = createBot({ refusals });
  await onMessage(code, ticket, bot);
  const [offer] = told;
  for (let presses = 0; presses < 3; presses += 1) await press(offer);
  expect(told.map(({ text }) => text).slice(1)).toEqual(['Your runs are too many.', 'Still too many.']);
  expect(ran).toMatchObject([{ code: ['1 + 1'] }]);
  expect(replaced).toHaveLength(1);
  expect(audited.filter((line) => line === 'press request.ended')).toHaveLength(1);
});

test('Run now tells if the message no longer asks for a run', async () => {
  const block = { ...code, text: '```1 + 1```' };
  const { bot, told, ran, press } = createBot({ found: block, autos: [true, false] });
  await onMessage(block, ticket, bot);
  await press();
  expect(told.at(-1)?.text).toBe('That message no longer asks for a run. Nothing ran.');
  const now = createBot({ found: { ...edited, text: 'never mind' } });
  await onMessage(code, ticket, now.bot);
  await now.press();
  expect(now.told.at(-1)?.text).toContain('no longer asks');
  const talk = createBot({ found: { ...block, text: 'as in ```1 + 1```' } });
  await onMessage(block, ticket, talk.bot);
  await talk.press();
  expect(talk.told.at(-1)?.text).toContain('no longer asks');
  expect([...ran, ...now.ran, ...talk.ran]).toEqual([]);
});

test('a late edit is offered, too, and runs after the run of its message', async () => {
  const data = { message: `message/T1/C1/${code.ts}`, edition: 1, kernelspec: 'python3' };
  const run = { id: 'r1', requester: 'U1', channel: 'C1', thread: code.ts, state: 'posted', data } as Run;
  const { bot, told, ran, press } = createBot({ run, found: edited });
  arriveAfter(18);
  await onMessageChanged(edit, ticket, bot);
  expect(told.map(({ text }) => text)).toEqual([expect.stringContaining('17 min')]);
  expect(ran).toEqual([]);
  await press();
  expect(ran).toMatchObject([{ code: ['2 + 2'], requestKey: `edit/T1/C1/${code.ts}/${edited.edited.ts}` }]);
});

test('Run now on a mention of nothing gives the help', async () => {
  const found = { ...code, text: '<@UBOT>' };
  const { bot, told, press } = createBot({ found });
  await onMessage(found, ticket, bot);
  await press();
  expect(told.at(-1)?.text).toContain('*Run code:*');
});
