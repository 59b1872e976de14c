import { expect, test } from 'vitest';
import type { OutcomeKind } from '../../../src/runs/outcome.ts';
import {
  quietly,
  type RunMessage,
  type RunMessageOptions,
  type RunPhase,
  type RunView,
} from '../../../src/runs/run-view.ts';

/** A quiet run message, and what was shown of it. */
function openQuietly(thread = ''): { message: RunMessage; shown: string[] } {
  const shown: string[] = [];
  const open = quietly(() => ({
    show: ({ phase }) => void shown.push(phase.kind),
    async finish({ phase }) {
      shown.push(phase.kind);
      return { delivered: true, messageTs: '1.1' };
    },
    release: async () => void shown.push('release'),
    withdraw: async () => void shown.push('withdraw'),
  }));
  return { message: open({ thread } as RunMessageOptions), shown };
}

const view = (phase: RunPhase): RunView => ({ phase }) as RunView;
const running = view({ kind: 'running', sinceMs: 0, stopping: false, stopIgnored: false });
const switchAsked = view({ kind: 'switchAsked', channel: 'C1', from: 'a', to: 'b', maySwitch: true });
const ended = (kind: OutcomeKind): RunView => view({ kind: 'ended', outcome: { kind } as never });

test('a run that ends well posts nothing', async () => {
  const { message, shown } = openQuietly();
  message.show(running);
  expect(await message.finish(ended('ok'))).toEqual({ delivered: true });
  await message.release();
  await message.withdraw();
  expect(shown).toEqual([]);
});

test.each<OutcomeKind>(['raised', 'timedOut', 'gatewayAway', 'unknown', 'interrupted'])(
  'a run that ends as %s is told',
  async (kind) => {
    const { message, shown } = openQuietly();
    message.show(running);
    expect(await message.finish(ended(kind))).toEqual({ delivered: true, messageTs: '1.1' });
    expect(shown).toEqual(['ended']);
  },
);

test('a run that somebody has to decide about is shown from then on', async () => {
  const { message, shown } = openQuietly();
  message.show(switchAsked);
  message.show(running);
  await message.finish(ended('ok'));
  await message.release();
  expect(shown).toEqual(['switchAsked', 'running', 'ended', 'release']);
});

test('a run that an earlier process has shown stays visible', async () => {
  const { message, shown } = openQuietly('1.1');
  message.show(running);
  await message.finish(ended('ok'));
  expect(shown).toEqual(['running', 'ended']);
});
