import { expect, test, vi } from 'vitest';
import { UserError } from '../../../../src/errors.ts';
import { silentLog } from '../../../../src/log.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { onSlash } from '../../../../src/slack/listeners/commands/slash.ts';
import { refreshHome } from '../../../../src/slack/listeners/events/app-home.ts';
import { onMessage } from '../../../../src/slack/listeners/events/message.ts';
import { silentAudit } from '../../../support/silent-audit.ts';
import { personOf, POLICY } from './people.ts';

/** `isTold`: Slack takes what is said to the channel. */
function createBot({ isTold = true, isMember = true } = {}) {
  const said: string[] = [];
  const changes: unknown[] = [];
  const bot = {
    workspace: 'T1',
    userId: 'UBOT',
    policy: POLICY,
    users: {
      find: async (id: string) => personOf(id),
    },
    channels: {
      async mustBePostable() {
        if (!isMember) throw new UserError('botNotInChannel', 'Sparkthread is not in this channel.');
      },
    },
    channelSettings: { change: async (_: string, __: string, change: unknown) => void changes.push(change) },
    languages: async () => ({ kernelspecs: { list: [], default: '' }, aliases: {} }),
    notify: {
      person: async (_: unknown, text: string) => void said.push(`person: ${text}`),
      async channel(_: unknown, text: string) {
        if (isTold) said.push(`channel: ${text}`);
        return isTold;
      },
    },
    control: { awaitingInput: () => undefined },
    runs: { newest: async () => [] },
    isKnown: async () => false,
    markSeen: async () => true,
    forgetSeen: async () => undefined,
    memory: createListenerMemory(),
    audit: silentAudit,
    log: silentLog,
  } as unknown as Bot;
  return { bot, said, changes };
}

async function slash(text: string, bot: Bot, said: string[]): Promise<void> {
  const hear = async (answer?: string | { text?: string }): Promise<void> => {
    const words = typeof answer === 'object' ? answer.text : answer;
    if (words !== undefined && words !== '') said.push(`private: ${words}`);
  };
  const command = { channel_id: 'C1', user_id: 'U1', trigger_id: '1.2', text };
  await onSlash({ command, ack: hear, respond: hear } as unknown as Parameters<typeof onSlash>[0], bot);
}

test('a person who changes something for the channel reads it with everybody else', async () => {
  const { bot, said } = createBot();
  await slash('auto on', bot, said);
  expect(said).toEqual([expect.stringMatching(/^channel: <@U1> turned auto-run on/)]);
});

test('a command is acknowledged after its change is made', async () => {
  const { bot, changes } = createBot();
  const changedBy: number[] = [];
  const command = { channel_id: 'C1', user_id: 'U1', trigger_id: '1.2', text: 'auto on' };
  const ack = async (): Promise<void> => void changedBy.push(changes.length);
  await onSlash({ command, ack, respond: ack } as unknown as Parameters<typeof onSlash>[0], bot);
  expect(changedBy).toEqual([1]);
});

test('if the response_url fails, the answer is sent otherwise, and the command stays done', async () => {
  const { bot, said, changes } = createBot({ isTold: false });
  const command = { channel_id: 'C1', user_id: 'U1', trigger_id: '1.2', text: 'auto on' };
  const respond = () => Promise.reject(new Error('expired_url'));
  const payload = { command, ack: async () => undefined, respond };
  await onSlash(payload as unknown as Parameters<typeof onSlash>[0], bot);
  expect(changes).toHaveLength(1);
  expect(said).toEqual([expect.stringMatching(/^person: Auto-run is on/)]);
});

test('if the channel cannot be told, the person who changed something is told alone', async () => {
  const { bot, said } = createBot({ isTold: false });
  await slash('auto on', bot, said);
  const typed = {
    type: 'message',
    user: 'U1',
    channel: 'C1',
    ts: `${Date.now() / 1000}`,
    text: '<@UBOT> auto off',
  };
  await onMessage(typed, { leaveUnacknowledged: () => undefined }, bot);
  expect(said).toEqual([
    expect.stringMatching(/^private: Auto-run is on/),
    expect.stringMatching(/^person: Auto-run is off/),
  ]);
});

test('nothing is changed for a channel that the bot is not in, and the person is told', async () => {
  const { bot, said, changes } = createBot({ isTold: false, isMember: false });
  await slash('auto on', bot, said);
  await slash('use python3', bot, said);
  expect(said).toEqual(Array.from({ length: 2 }, () => 'private: Sparkthread is not in this channel.'));
  expect(changes).toEqual([]);
});

test('a command that takes longer than Slack waits is acknowledged in time, and answered afterwards', async () => {
  vi.useFakeTimers();
  const { bot, said } = createBot({ isTold: false });
  bot.channelSettings.change = async () => await new Promise((resolve) => setTimeout(resolve, 4_000));
  const acks: unknown[] = [];
  const respond = async ({ text }: { text: string }): Promise<void> => void said.push(text);
  const ack = async (answer: unknown): Promise<void> => void acks.push(answer);
  const command = { channel_id: 'C1', user_id: 'U1', trigger_id: '1.2', text: 'auto on' };
  const done = onSlash({ command, ack, respond } as unknown as Parameters<typeof onSlash>[0], bot);
  await vi.advanceTimersByTimeAsync(2_600);
  expect(acks).toEqual([undefined]);
  await vi.advanceTimersByTimeAsync(2_000);
  await done;
  expect(said).toEqual([expect.stringMatching(/^Auto-run is on/)]);
  vi.useRealTimers();
});

test('a mention of nothing is answered with the help, once', async () => {
  const { bot, said } = createBot();
  const seen = new Set<string>();
  bot.isKnown = async (key) => seen.has(key);
  bot.markSeen = async (key) => !seen.has(key) && seen.add(key).has(key);
  const typed = { type: 'message', user: 'U1', channel: 'C1', ts: `${Date.now() / 1000}`, text: '<@UBOT>' };
  const ticket = { leaveUnacknowledged: () => undefined };
  await onMessage(typed, ticket, bot);
  await onMessage({ ...typed, type: 'app_mention' }, ticket, bot);
  expect(said).toEqual([expect.stringMatching(/^person: • \*Run code:/)]);
});

test.each([
  ['history', 2],
  ['auto on', 1],
])(
  'if a process dies during %s, a command that changes nothing is done by the next process',
  async (typed, times) => {
    const seen = new Set<string>();
    const ticket = { leaveUnacknowledged: () => undefined };
    const message = {
      type: 'message',
      user: 'U1',
      channel: 'C1',
      ts: `${Date.now() / 1000}`,
      text: `<@UBOT> ${typed}`,
    };
    let acts = 0;
    for (const hasDied of [true, false, false]) {
      const { bot } = createBot();
      const died = new Promise<never>(() => undefined);
      const act = async () => {
        acts += 1;
        if (hasDied) began.resolve();
        return hasDied ? await died : [];
      };
      const began = Promise.withResolvers<void>();
      bot.isKnown = async (key) => seen.has(key);
      bot.markSeen = async (key) => !seen.has(key) && seen.add(key).has(key);
      bot.runs.newest = act;
      bot.channelSettings.change = async () => void (await act());
      const handled = onMessage(message, ticket, bot);
      await (hasDied ? began.promise : handled);
    }
    expect(acts).toBe(times);
  },
);

test('a run whose answer was deleted is in no list, though Slack may not have removed it yet', async () => {
  const { bot, said } = createBot();
  const data = { preview: '', codeLength: 1, edition: 1, kernelspec: 'python3', erased: true };
  const run = { id: 'r1', requester: 'U1', channel: 'C1', thread: '1.0', createdAt: 1, state: 'ended', data };
  const homes: unknown[] = [];
  Object.assign(bot, {
    runs: { newest: async () => [run] },
    saved: { all: () => [] },
    schedules: { all: () => [] },
    control: { kernels: () => [], statusOf: async () => [] },
    workspaceUrl: 'https://team.slack.com/',
    views: { publishHome: async (_: string, view: unknown) => void homes.push(JSON.stringify(view)) },
  });
  await slash('history', bot, said);
  expect(said).toEqual(['private: Nothing has run in this channel yet, or its runs are no longer kept.']);
  await refreshHome('U1', bot, undefined);
  expect(homes).toEqual([expect.stringContaining('You have run nothing yet')]);
});
