import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/log.ts';
import { readRunData, type Run } from '../../../../src/runs/run.ts';
import { type Bot, createListenerMemory } from '../../../../src/slack/context.ts';
import { exportRuns } from '../../../../src/slack/listeners/commands/export.ts';
import { personOf } from './people.ts';

const place = { channel: 'C1', thread: '1.1' };
const person = personOf('U1', { timeZone: 'Mars/Olympus' });

function runOf(id: string, data: Partial<Run['data']> = {}): object {
  return { id, ...place, requester: 'U1', createdAt: 0, data: { ...readRunData(undefined), ...data } };
}

/** Notes each reading of the thread, and gives the notebook's path to `attached`. */
function port(runs: readonly object[], steps: string[], attached: (path: string) => void): Bot {
  return {
    log: silentLog,
    workspaceUrl: 'https://team.slack.com/',
    memory: createListenerMemory(),
    channels: { find: async () => ({ name: 'data' }) },
    users: { find: async () => person },
    runs: { code: async () => ['1'], newest: async () => runs },
    threads: {
      messages: async () => (steps.push('read'), []),
      attach: async (_place: object, { path }: { path: string }) => attached(path),
    },
  } as unknown as Bot;
}

test('a run that an edit replaced is left out and not counted', async () => {
  const written = Promise.withResolvers<string>();
  const runs = [runOf('c'), runOf('b', { follows: 'a', edition: 2 }), runOf('a')];
  const bot = port(runs, [], (path) => written.resolve(readFileSync(path, 'utf8')));
  const { text } = await exportRuns('thread', person, place, bot);
  expect(text).toContain('A notebook of 2 runs');
  const { cells } = JSON.parse(await written.promise);
  expect(cells[0].source.join('')).toContain('2 runs, exported');
  expect(cells.filter((cell: { cell_type: string }) => cell.cell_type === 'code')).toHaveLength(2);
});

test('what is not in the notebook of a long thread is told, also where some of its newest runs count no more', async () => {
  const runs = Array.from({ length: 201 }, (_, at) => runOf(`r${at}`, at === 0 ? { follows: 'r1' } : {}));
  const { text } = await exportRuns(
    'thread',
    person,
    place,
    port(runs, [], () => undefined),
  );
  expect(text).toContain('A notebook of 199 runs');
  expect(text).toContain('The newest 199 runs are in it.');
});

test('the exports of one person are made one after the other', async () => {
  const done = Promise.withResolvers<void>();
  const steps: string[] = [];
  const bot = port([runOf('r')], steps, () => {
    if (steps.push('attached') === 4) done.resolve();
  });
  for (let n = 0; n < 2; n += 1) {
    const { text } = await exportRuns('thread', person, place, bot);
    // What is promised must hold, and a process that ends takes an export along.
    expect(text).toContain('comes into this thread. If the bot restarts before that, ask again.');
  }
  await done.promise;
  expect(steps).toEqual(['read', 'attached', 'read', 'attached']);
});
