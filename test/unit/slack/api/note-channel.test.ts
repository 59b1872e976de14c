import { expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import type { SeenChannel } from '../../../../src/slack/api/seen-channels.ts';
import { channelNoter } from '../../../../src/slack/api/note-channel.ts';

const hourMs = 60 * 60_000;

function startNoter() {
  const slack = { name: 'data', isAway: false, asked: [] as string[] };
  const kept: SeenChannel[] = [];
  const clock = { ms: 0 };
  const note = channelNoter({
    workspace: 'T1',
    channels: {
      async find(id) {
        slack.asked.push(id);
        if (slack.isAway) throw new Error('Slack is away');
        return {
          id,
          name: id.startsWith('D') ? undefined : slack.name,
          isPrivate: false,
          partner: undefined,
        };
      },
    },
    seenChannels: { note: async (channel) => void kept.push(channel) },
    log: silentLog,
    now: () => clock.ms,
  });
  return { note, slack, kept, clock };
}

test('a channel is asked for once an hour, however many runs there are', async () => {
  const { note, slack, kept, clock } = startNoter();
  note('C1');
  note('C1');
  note('C2');
  await vi.waitFor(() => expect(kept.map(({ id }) => id)).toEqual(['C1', 'C2']));
  clock.ms = hourMs - 1;
  note('C1');
  expect(slack.asked).toEqual(['C1', 'C2']);
  clock.ms = hourMs;
  slack.name = 'renamed';
  note('C1');
  await vi.waitFor(() => expect(kept.at(-1)).toMatchObject({ id: 'C1', name: 'renamed' }));
});

test('a direct message has no name to keep, and is not asked for again either', async () => {
  const { note, slack, kept } = startNoter();
  note('D1');
  await Promise.resolve();
  note('D1');
  expect(slack.asked).toEqual(['D1']);
  expect(kept).toEqual([]);
});

test('what Slack did not answer is asked again at the next run', async () => {
  const { note, slack, kept } = startNoter();
  slack.isAway = true;
  note('C1');
  await vi.waitFor(() => {
    note('C1');
    expect(slack.asked.length).toBeGreaterThan(1);
  });
  slack.isAway = false;
  await vi.waitFor(() => {
    note('C1');
    expect(kept).toHaveLength(1);
  });
});
