import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../../../playground/faults.ts';
import type { SlackMessage } from '../../../playground/messages.ts';
import type { Playground } from '../../../playground/playground.ts';
import type { BusyKernels } from '../busy-kernels.ts';
import type { ScriptedGateway } from '../scripted-gateway.ts';
import type { StartedBot } from '../start-bot.ts';

/** A world in which chance decides what happens. */
export interface World {
  playground: Playground;
  gateway: ScriptedGateway;
  kernels: BusyKernels;
  bots: StartedBot[];
  channels: string[];
  sent: Sent[];
  /** The blocks of everything that was ever written. */
  written: string[][];
  /** A whole number from 0 to below `n`. */
  below: (n: number) => number;
}

/** A message with code, as its author left it. */
interface Sent {
  person: string;
  message: SlackMessage;
  codes: string[];
  isDeleted: boolean;
}

export type Action = (world: World) => Promise<unknown> | void;

const PEOPLE = ['ana', 'ben'];
const METHODS = [
  'chat.postMessage',
  'chat.postMessage',
  'chat.update',
  'chat.update',
  'chat.delete',
  'files.getUploadURLExternal',
  'upload',
  'files.completeUploadExternal',
  'files.info',
  'files.delete',
  'conversations.replies',
  'conversations.history',
  'conversations.info',
  'users.info',
  'apps.connections.open',
  'reactions.add',
  'response',
  '*',
];
/** Not those that say that something is gone, and no deletion is refused: the bot would believe it. */
const WRITES = [
  'chat.postMessage',
  'chat.update',
  'files.getUploadURLExternal',
  'files.completeUploadExternal',
];
const REFUSALS = [
  'channel_not_found',
  'not_in_channel',
  'is_archived',
  'msg_too_long',
  'invalid_blocks',
  'cant_update_message',
  'edit_window_closed',
  'fatal_error',
];
const faultsOf = (ms: number): Fault[] => [
  { kind: 'rateLimited', retryAfterS: 1 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'error', error: 'internal_error' },
  { kind: 'error', error: 'ratelimited' },
  { kind: 'error', error: 'service_unavailable' },
  { kind: 'dropped' },
  { kind: 'replyLost' },
  { kind: 'late', delayMs: ms },
  { kind: 'replyLate', delayMs: ms },
];

/** What can happen, each with the same chance. What is more likely stands here twice. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  mention: (world) => post(world, (code) => `<@${world.playground.bot.id}> \`${code}\``),
  mentionToo: (world) => post(world, (code) => `<@${world.playground.bot.id}> \`${code}\``),
  fenced: (world) => post(world, (code) => `<@${world.playground.bot.id}>\n\`\`\`\n${code}\n\`\`\``),
  slash: async (world) => {
    const { playground, channels, below } = world;
    await playground.as(one(PEOPLE, below)).slash(one(channels, below), `/spark ${write(world)[0]}`);
  },
  notebook: (world) => {
    const codes = write(world, 2);
    const cells = codes.map((source) => ({
      cell_type: 'code',
      metadata: {},
      outputs: [],
      execution_count: null,
      source,
    }));
    const content = JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });
    const person = one(PEOPLE, world.below);
    const message = world.playground
      .as(person)
      .upload(
        one(world.channels, world.below),
        { name: 'report.ipynb', content },
        `<@${world.playground.bot.id}>`,
      );
    world.sent.push({ person, message, codes, isDeleted: false });
  },
  scala: (world) => post(world, (code) => `<@${world.playground.bot.id}> scala\n\`\`\`\n${code}\n\`\`\``),
  inThread: (world) => {
    const sent = oneSent(world);
    if (sent === undefined || sent.isDeleted) return;
    const [code = ''] = write(world);
    const { channel, ts: thread } = sent.message;
    world.playground.as(one(PEOPLE, world.below)).post(channel, `\`\`\`\n${code}\n\`\`\``, { thread });
  },
  answer: (world) => {
    const sent = oneSent(world);
    if (sent === undefined || sent.isDeleted) return;
    const { channel, ts: thread } = sent.message;
    world.playground.as(sent.person).post(channel, 'a line', { thread });
  },
  stopInThread: (world) => {
    const sent = oneSent(world);
    if (sent === undefined || sent.isDeleted) return;
    const { channel, ts: thread } = sent.message;
    world.playground.as(sent.person).post(channel, '!stop', { thread });
  },
  noise: ({ playground, channels, below }) =>
    void playground.as(one(PEOPLE, below)).post(one(channels, below), 'not for the bot'),
  edit: (world) => {
    const sent = oneSent(world);
    if (sent === undefined || sent.isDeleted || sent.message.files !== undefined) return;
    const [code = ''] = write(world);
    sent.codes.push(code);
    world.playground.as(sent.person).edit(sent.message, `<@${world.playground.bot.id}> \`${code}\``);
  },
  remove: (world) => {
    const sent = oneSent(world);
    if (sent === undefined || sent.isDeleted) return;
    sent.isDeleted = true;
    world.playground.as(sent.person).delete(sent.message);
  },
  stopTyped: async ({ playground, channels, below }) =>
    await playground.as(one(PEOPLE, below)).slash(one(channels, below), '/spark stop'),
  restart: async ({ playground, channels, below }) =>
    await playground.as('ana').slash(one(channels, below), '/spark restart'),
  shutdown: async ({ playground, channels, below }) =>
    await playground.as('ana').slash(one(channels, below), '/spark shutdown'),
  stop: async (world) => await press(world, 'run:stop'),
  cancel: async (world) => await press(world, 'run:cancel'),
  runAgain: async (world) => await press(world, 'run:runAgain'),
  switch: async (world) => await press(world, 'run:switch'),
  erase: async (world) => await press(world, 'run:delete'),
  repeat: ({ playground, below }) => {
    const delivery = one(
      playground.deliveries.filter(({ kind }) => kind === 'events_api'),
      below,
    );
    if (delivery !== undefined) playground.repeat(delivery);
  },
  freeze: async ({ playground, below }) => {
    playground.freeze();
    await pause(below(800));
    playground.thaw();
  },
  dropSocket: ({ playground }) => playground.drop(),
  refresh: ({ playground }) => playground.disconnect('refresh_requested'),
  warning: ({ playground }) => playground.disconnect('warning'),
  halfOpen: ({ playground, below }) => playground.stall(below(5_000)),
  slackFails: ({ playground, below }) => {
    const method = one(METHODS, below);
    playground.fail(method, one(faultsOf(below(3_000)), below), 1 + below(3));
  },
  slackFailsToo: ({ playground, below }) => {
    const method = one(METHODS, below);
    playground.fail(method, one(faultsOf(below(3_000)), below), 1 + below(3));
  },
  slackRefuses: ({ playground, below }) =>
    playground.fail(one(WRITES, below), { kind: 'error', error: one(REFUSALS, below) }, 1 + below(3)),
  socketsDrop: ({ gateway }) => [...gateway.kernels.values()].forEach((kernel) => kernel.drop()),
  kernelCrashes: ({ gateway, kernels, below }) => {
    const kernel = one([...gateway.kernels.values()], below);
    if (kernel !== undefined && !kernel.isDeleted) void kernels.crash(kernel, below(1_000));
  },
  kernelCulled: ({ gateway, below }) => {
    const kernel = one([...gateway.kernels.values()], below);
    if (kernel !== undefined) kernel.isDeleted = true;
  },
  gatewayEmptied: ({ gateway }) => {
    for (const kernel of gateway.kernels.values()) {
      kernel.isDeleted = true;
      kernel.drop();
    }
  },
};

/** What can happen to the process. */
export const ENDS: Readonly<Record<string, Action>> = {
  killed: async (world) => {
    const bot = leaderOf(world);
    await bot.kill();
    await revive(bot);
  },
  killedAtStart: async (world) => {
    const bot = leaderOf(world);
    await bot.kill();
    const started = bot.restart().catch(() => undefined);
    await pause(world.below(1_500));
    await bot.kill();
    await started;
    await revive(bot);
  },
  /** With two processes: each while it takes over from the other. */
  killedInTurn: async (world) => {
    for (const bot of world.bots) {
      await bot.kill();
      await pause(world.below(1_500));
    }
    await Promise.all(world.bots.map(revive));
  },
  stopped: async (world) => {
    const bot = leaderOf(world);
    await bot.stop();
    await revive(bot);
  },
  stoodStill: async ({ bots, below, ...world }) => {
    const bot = leaderOf({ bots, below, ...world });
    process.kill(bot.pid, 'SIGSTOP');
    await pause(below(bots.length > 1 ? 20_000 : 4_000));
    process.kill(bot.pid, 'SIGCONT');
    // A process that another one has replaced ends.
    const hasEnded = await Promise.race([bot.untilEnded().then(() => true), pause(3_000)]);
    if (hasEnded === true) await revive(bot);
  },
  someEnd: async (world) => {
    const bot = one(world.bots, world.below);
    await bot.kill();
    await pause(world.below(8_000));
    await revive(bot);
  },
};

function leaderOf({ bots }: World): StartedBot {
  return bots.find(({ role }) => role === 'leader') ?? (bots[0] as StartedBot);
}

/** As a supervisor does. */
async function revive(bot: StartedBot): Promise<void> {
  for (;;) {
    try {
      await bot.kill();
      return await bot.restart();
    } catch {
      // Slack gave no usable answer, perhaps.
    }
  }
}

export function one<T>(list: readonly T[], below: (n: number) => number): T {
  return list[below(list.length)] as T;
}

function oneSent({ sent, below }: World): Sent | undefined {
  return one(sent, below);
}

function write({ below, written }: Pick<World, 'below' | 'written'>, blocks = 1): string[] {
  const codes = Array.from({ length: blocks }, (_, block) => {
    const pausesMs = Array.from({ length: below(5) }, () => below(200));
    const ends = one(['ok', 'ok', 'ok', 'ok', 'raised', 'asks', 'ignores'] as const, below);
    // Long output is attached as a file.
    const lines = below(4) === 0 ? 60 : undefined;
    return JSON.stringify({ number: 10 * written.length + block, pausesMs, ends, lines });
  });
  written.push(codes);
  return codes;
}

function post(world: World, typed: (code: string) => string): void {
  const person = one(PEOPLE, world.below);
  const [code = ''] = write(world);
  const message = world.playground.as(person).post(one(world.channels, world.below), typed(code));
  world.sent.push({ person, message, codes: [code], isDeleted: false });
}

async function press({ playground, channels, below }: World, action: string): Promise<void> {
  const shown = channels
    .flatMap((channel) => playground.messages(channel))
    .filter((message) => JSON.stringify(message.blocks ?? []).includes(`"${action}"`));
  const message = one(shown, below);
  if (message !== undefined) await playground.as(one(PEOPLE, below)).press(message, action);
}
