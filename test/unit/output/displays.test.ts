import { expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import { startDisplays } from '../../../src/output/transcript.ts';

const update = { kind: 'updateDisplay', data: {}, metadata: {}, displayId: 'd' } as const;
const holder = () => {
  const taken: KernelOutput[] = [];
  return { taken, add: (output: KernelOutput) => void taken.push(output) };
};

test('an update goes to the newest run that shows the display, not to the one it comes from', async () => {
  const updated: string[] = [];
  const displays = startDisplays((runId) => updated.push(runId));
  const [first, second, third] = [holder(), holder(), holder()];
  for (const [index, shown] of [first, second, third].entries()) {
    displays.open(`run-${index + 1}`, shown);
    displays.keep('d', `run-${index + 1}`);
  }
  await displays.update('run-3', update);
  expect(second.taken).toEqual([update]);
  expect(updated).toEqual(['run-2']);
  displays.forget('run-2');
  await displays.update('run-3', update);
  expect(updated).toEqual(['run-2', 'run-1']);
});

test('the displays of the last 20 runs are remembered', async () => {
  const updated: string[] = [];
  const displays = startDisplays((runId) => updated.push(runId));
  displays.open('old', holder());
  displays.keep('d', 'old');
  for (let n = 0; n < 20; n += 1) displays.open(`run-${n}`, holder());
  await displays.update('run-19', update);
  expect(updated).toEqual([]);
});

test('others can update the newest thousand displays of a run', async () => {
  const displays = startDisplays(() => undefined);
  const shown = holder();
  displays.open('run-1', shown);
  for (let n = 0; n <= 1_000; n += 1) displays.keep(`${n}`, 'run-1');
  await displays.update('run-2', { ...update, displayId: '0' });
  await displays.update('run-2', { ...update, displayId: '1' });
  expect(shown.taken).toMatchObject([{ displayId: '1' }]);
});
