import { silentAudit } from '../../../../src/audit/audit.ts';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { KernelRecord } from '../../../../src/runs/session/kernel/kernel-record.ts';
import type { Bot } from '../../../../src/slack/context.ts';
import { resolveChannel } from '../../../../src/slack/listeners/commands/kernels.ts';
import { refreshHome } from '../../../../src/slack/listeners/events/app-home.ts';

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
      kernels: async () => channels.map((channel) => ({ channel, startedBy: `U${channel}` }) as KernelRecord),
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
    requesterRuns: async () => [],
    views: { publishHome: async () => {} },
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
  await expect(resolveChannel('#vault', 'U1', bot)).rejects.toThrow('No channel #vault is known');
  await expect(resolveChannel('C3', 'U1', bot)).rejects.toThrow('No channel C3 is known');
});

test('a channel that the asker may not know of is not told apart from none', async () => {
  const { bot } = createBot({ channels: ['C1', 'C3'], names, closed: ['C3'] });
  await expect(resolveChannel('#vault', 'U1', bot)).rejects.toThrow('No channel #vault is known');
  await expect(resolveChannel('C3', 'U1', bot)).rejects.toThrow('No channel C3 is known');
});

test('a channel that was renamed since its name was cached is not the one that is meant', async () => {
  const renamed = { C1: 'data-old', C2: 'data' };
  const { bot } = createBot({ channels: ['C1', 'C2'], names: renamed, cached: { C1: 'data', C2: 'data' } });
  expect(await resolveChannel('#data', 'U1', bot)).toBe('C2');
});

test('a name of two channels is asked back with their ids', async () => {
  const { bot } = createBot({ channels: ['C1', 'C2'], names: { C1: 'data', C2: 'data' } });
  await expect(resolveChannel('#data', 'U1', bot)).rejects.toThrow('C1, C2');
});

test('the home tab asks Slack nothing about direct messages of other people', async () => {
  const { bot, asked, shown } = createBot({ channels: ['D1', 'D2', 'C1'], names });
  await refreshHome('UD1', bot, undefined);
  expect(shown).toEqual(['D1', 'C1']);
  expect(asked).toEqual(['C1']);
});
