import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { type KernelRecord } from '../../../../src/runs/session/kernel/kernel-record.ts';
import { newKernelRecord } from '../../../../src/runs/session/kernel/launch-kernel.ts';
import { jsonSize, MESSAGE_ROOM } from '../../../../src/slack/blocks/rich-text.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import {
  changeNamedKernel,
  listKernels,
  resolveChannel,
} from '../../../../src/slack/listeners/commands/kernels.ts';
import { refreshHome } from '../../../../src/slack/listeners/events/app-home.ts';
import { ChannelIds } from '../../../../src/slack/transport/channel-ids.ts';
import { silentAudit } from '../../../support/silent-audit.ts';

/** A workspace with a kernel in each of `channels`; `names` as Slack says them now, `cached` as they were. */
function createBot(options: {
  channels: readonly string[];
  names: Readonly<Record<string, string>>;
  cached?: Readonly<Record<string, string>>;
  closed?: readonly string[];
}) {
  const { channels, names, cached = names, closed = [] } = options;
  const asked: string[] = [];
  const shown: string[] = [];
  const bot = {
    workspace: 'T1',
    workspaceUrl: 'https://home.slack.com/',
    policy: { admins: [], restartBy: 'admins', allowedBots: [], allowGuests: false, allowExternal: false },
    users: { find: async (id: string) => ({ id, ids: [id], isWorkspaceAdmin: true }) },
    control: {
      kernels: () => channels.map((channel) => ({ channel, startedBy: `U${channel}` }) as KernelRecord),
      statusOf: async (records: readonly KernelRecord[]) => {
        shown.push(...records.map(({ channel }) => channel));
        return [];
      },
    },
    channels: {
      async find(id: string, { isFresh } = { isFresh: false }) {
        asked.push(id);
        return { id, name: (isFresh ? names : cached)[id] };
      },
      isOpenTo: async (id: string) => !closed.includes(id),
      isMember: async (id: string) => asked.push(id) > 0,
    },
    channelIds: new ChannelIds(),
    runs: { newest: async () => [] },
    saved: { all: () => [] },
    schedules: { all: () => [] },
    views: { publishHome: async () => {} },
    memory: createListenerMemory(),
    log: silentLog,
    audit: silentAudit,
  } as unknown as Bot;
  return { bot, asked, shown };
}

const names = { C1: 'data', C2: 'ops', C3: 'vault' };

test('a name is looked up among the channels that have a kernel', async () => {
  const { bot } = createBot({ channels: ['C1', 'C2'], names });
  expect(await resolveChannel('#ops', 'U1', bot)).toBe('C2');
  expect(await resolveChannel('C1', 'U1', bot)).toBe('C1');
  await expect(resolveChannel('#vault', 'U1', bot)).rejects.toThrow(
    'No channel #vault with a kernel is known',
  );
  await expect(resolveChannel('C3', 'U1', bot)).rejects.toThrow('No channel C3 with a kernel is known');
});

test('a later id of the channel works, too', async () => {
  const { bot } = createBot({ channels: ['C1', 'C2'], names });
  bot.channelIds.change('C2', 'C05');
  expect(await resolveChannel('C05', 'U1', bot)).toBe('C2');
});

test('a channel that the asker may not see is treated like an unknown one', async () => {
  const { bot } = createBot({ channels: ['C1', 'C3'], names, closed: ['C3'] });
  await expect(resolveChannel('#vault', 'U1', bot)).rejects.toThrow(
    'No channel #vault with a kernel is known',
  );
  await expect(resolveChannel('C3', 'U1', bot)).rejects.toThrow('No channel C3 with a kernel is known');
});

test('a channel that was renamed after its name was cached does not match', async () => {
  const renamed = { C1: 'data-old', C2: 'data' };
  const { bot } = createBot({ channels: ['C1', 'C2'], names: renamed, cached: { C1: 'data', C2: 'data' } });
  expect(await resolveChannel('#data', 'U1', bot)).toBe('C2');
});

test('for a name of two channels the bot asks which, with their ids', async () => {
  const { bot } = createBot({ channels: ['C1', 'C2'], names: { C1: 'data', C2: 'data' } });
  await expect(resolveChannel('#data', 'U1', bot)).rejects.toThrow('C1, C2');
});

test('the home tab asks Slack nothing about direct messages of other people', async () => {
  const { bot, asked, shown } = createBot({ channels: ['D1', 'D2', 'C1'], names });
  await refreshHome('UD1', bot, undefined);
  expect(shown).toEqual(['D1', 'C1']);
  expect(asked).toEqual(['C1']);
});

/** #data with a kernel for each of `specs`; Ben may restart. */
function createChannel(...specs: readonly string[]) {
  const restarted: string[] = [];
  const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1' };
  const records = specs.map((kernelspec) => newKernelRecord(owner, kernelspec));
  const list = ['python3', 'python3-spark', 'ir'].map((name) => ({
    name,
    displayName: name,
    language: name === 'ir' ? 'R' : 'python',
  }));
  const bot = {
    workspace: 'T1',
    policy: { admins: [], restartBy: 'anyone', allowedBots: [], allowGuests: false, allowExternal: false },
    languages: async () => ({ kernelspecs: { list, default: 'ir' }, aliases: {} }),
    channels: createBot({ channels: [], names }).bot.channels,
    channelIds: new ChannelIds(),
    control: {
      kernels: () => records,
      kernelsOf: () => records,
      statusOf: async (asked: readonly KernelRecord[]) =>
        asked.map((record) => ({ record, displayName: record.kernelspec, state: 'idle', unfinished: [] })),
      restart: async ({ kernelspec }: KernelRecord) => void restarted.push(kernelspec),
    },
    audit: silentAudit,
  } as unknown as Bot;
  const restart = async (language?: string, channel?: string) => {
    const command = {
      kind: 'restart',
      ...(language === undefined ? {} : { language }),
      ...(channel === undefined ? {} : { channel }),
    } as const;
    const ben = await createBot({ channels: [], names }).bot.users.find('UBEN');
    const said = channel === undefined ? 'C1' : 'C2';
    const { text, blocks, told } = await changeNamedKernel(command, ben, { channel: said }, bot);
    return {
      text,
      blocks,
      buttons: JSON.stringify(blocks ?? []).match(/kernel:restart/g)?.length ?? 0,
      told,
    };
  };
  return { restart, restarted };
}

test('restart means the only kernel; for several the bot asks which, and nothing is changed', async () => {
  const alone = createChannel('python3-spark');
  await alone.restart();
  const both = createChannel('python3-spark', 'ir');
  const asked = await both.restart();
  expect(asked.text).toContain(
    'Which one: `restart python3-spark` or `restart ir`? Nothing was changed yet.',
  );
  expect([asked.buttons, asked.told]).toEqual([2, undefined]);
  expect([alone.restarted, both.restarted]).toEqual([['python3-spark'], []]);
});

test('of more kernels than fit into a message some are shown, and the message says so', async () => {
  const specs = Array.from({ length: 40 }, (_, n) => `python3-${'x'.repeat(90)}-${n}`);
  const { text, blocks, buttons } = await createChannel(...specs).restart();
  expect(jsonSize(blocks)).toBeLessThan(MESSAGE_ROOM);
  expect(buttons).toBeGreaterThan(5);
  expect(text).toContain(
    `Which one? ${buttons} of 40 are shown; the language’s word behind \`restart\` names any. Nothing was changed yet.\n`,
  );
  expect(text.split('\n').filter((line) => line.startsWith('*python3-'))).toHaveLength(buttons);
});

test('for another channel no word is suggested that would restart a kernel of this one', async () => {
  const { restart } = createChannel('python3-spark', 'ir');
  const { text, buttons } = await restart(undefined, '#data');
  expect(text).toMatch(/^That channel has several kernels. Which one\? Nothing was changed yet.\n/);
  expect(text).not.toContain('`restart');
  expect(buttons).toBe(2);
});

test('a word means the kernel of that language; several are asked about, none is refused', async () => {
  const { restart, restarted } = createChannel('python3', 'python3-spark', 'ir');
  await restart('pyspark');
  await restart('R');
  await restart('python3-spark');
  expect(restarted).toEqual(['python3-spark', 'ir', 'python3-spark']);
  expect((await restart('python')).buttons).toBe(2);
  await expect(restart('scala')).rejects.toThrow(
    'No kernel of this channel is called “scala”; it has python3, python3-spark, ir. A channel is written with its #, as in #scala. Nothing was changed.',
  );
  expect(restarted).toHaveLength(3);
});

test('a word also means a kernel of another channel', async () => {
  const { restart, restarted } = createChannel('python3-spark', 'ir');
  await restart('R', '#data');
  expect(restarted).toEqual(['ir']);
  await expect(restart('scala', '#data')).rejects.toThrow(
    /^No kernel of that channel is called “scala”; it has python3-spark, ir. Nothing was changed.$/,
  );
});

test('the list of very many kernels with long names fits into a message, and says how many it shows', async () => {
  const records = Array.from({ length: 40 }, (_, n) =>
    newKernelRecord({ workspace: 'T1', channel: `C${n}`, queue: `T1/C${n}`, requester: 'U1' }, 'python3'),
  );
  const { bot } = createBot({ channels: [], names });
  const displayName = 'Python 3.11 with Spark 3.5 and everything that the data team ever asked for';
  Object.assign(bot.control, {
    kernels: () => records,
    statusOf: async (asked: readonly KernelRecord[]) =>
      asked.map((record) => ({ record, displayName, state: 'idle', unfinished: [] })),
    otherKernels: async () =>
      Array.from({ length: 40 }, () => ({ kernelId: 'a', kernelspec: displayName, state: 'idle' })),
  });
  const { blocks } = await listKernels(await bot.users.find('U1'), bot);
  expect(jsonSize(blocks)).toBeLessThan(MESSAGE_ROOM);
  const shown = JSON.stringify(blocks).match(/kernel:restart/g)?.length ?? 0;
  expect(shown).toBeGreaterThan(5);
  expect(blocks[0]).toMatchObject({
    text: { text: `*Kernels of this workspace:* 40, the ${shown} used last are shown` },
  });
  expect(blocks.at(-1)).toMatchObject({
    text: {
      text: expect.stringMatching(/^\*Not Sparkthread’s, and left alone:\* 40, 20 of them are shown\n/),
    },
  });
});
