import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { readRunData, type Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { exportRuns } from '../../../../src/slack/listeners/commands/export.ts';
import { personOf } from './people.ts';

test('the exports of one person are made one after the other', async () => {
  const done = Promise.withResolvers<void>();
  const steps: string[] = [];
  const data = readRunData(undefined);
  const run = { id: 'r', thread: '1.1', channel: 'C1', requester: 'U1', createdAt: 0, data };
  const bot = {
    log: silentLog,
    workspaceUrl: 'https://team.slack.com/',
    memory: createListenerMemory(),
    channels: { find: async () => ({ name: 'data' }) },
    users: { find: async (id: string) => personOf(id, { timeZone: 'Mars/Olympus' }) },
    runs: { code: async () => ['1'], newest: async () => [run as unknown as Run] },
    threads: {
      messages: async () => (steps.push('read'), []),
      attach: async () => {
        if (steps.push('attached') === 4) done.resolve();
      },
    },
  } as unknown as Bot;
  const place = { channel: 'C1', thread: '1.1' };
  for (let n = 0; n < 2; n += 1) {
    const { text } = await exportRuns('thread', personOf('U1', { timeZone: 'Mars/Olympus' }), place, bot);
    // What is promised must hold, and a process that ends takes an export along.
    expect(text).toContain('comes into this thread. If the bot restarts before that, ask again.');
  }
  await done.promise;
  expect(steps).toEqual(['read', 'attached', 'read', 'attached']);
});
