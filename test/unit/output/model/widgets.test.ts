import { expect, test, vi } from 'vitest';
import type { KernelOutput } from '../../../../src/gateway/outputs.ts';
import { openTranscript } from '../../../../src/output/run-transcript.ts';
import { temporaryFolder } from '../../../contract/temporary-folder.ts';

test('a widget is shown in its current state, even if the clock was set back', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  try {
    const transcript = await openTranscript({
      dir: temporaryFolder(),
      runId: 'run-1',
      maxOutputBytes: 1_000_000,
    });
    const counted = (value: number): KernelOutput => ({
      kind: 'widget',
      id: 'w',
      state: { model: 'LabelModel', value },
    });
    const view = { 'application/vnd.jupyter.widget-view+json': { model_id: 'w' } };
    for (const output of [counted(1), { kind: 'display', data: view, metadata: {} } as const])
      await transcript.add(output);
    vi.advanceTimersByTime(600);
    vi.setSystemTime(Date.now() - 3_600_000);
    await transcript.add(counted(2));
    const [part] = transcript.view().parts;
    expect(part?.kind === 'text' ? part.text.head : '').toBe('2');
  } finally {
    vi.useRealTimers();
  }
});

test('a widget whose state arrives after its display is shown then', async () => {
  const transcript = await openTranscript({
    dir: temporaryFolder(),
    runId: 'run-1',
    maxOutputBytes: 1_000_000,
  });
  const shown = () =>
    transcript.view().parts.map((part) => (part.kind === 'text' ? part.text.head : part.kind));
  const data = {
    'application/vnd.jupyter.widget-view+json': { model_id: 'w' },
    'text/plain': '  0%|          | 0/100',
  };
  await transcript.add({ kind: 'display', data, metadata: {} });
  await transcript.add({ kind: 'widget', id: 'other', state: { value: 1 } });
  expect(shown()).toEqual(['  0%|          | 0/100']);
  await transcript.add({ kind: 'widget', id: 'w', state: { model: 'FloatProgressModel', value: 100 } });
  await transcript.seal();
  expect(shown()).toEqual([`|${'█'.repeat(20)}|`]);
});
