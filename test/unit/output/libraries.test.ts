import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readOutput } from '../../../src/gateway/protocol/messages.ts';
import type { KernelMessage } from '../../../src/gateway/protocol/wire.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';

/**
 * What the notebooks' libraries send, recorded from ipykernel 7 with altair 6, plotly 6, bokeh 3, tqdm 4, rich 14,
 * ipywidgets 8, itables 2, holoviews 1 and polars 1 (long scripts cut): all that is shown of it.
 */
const fixtures = new URL('../../fixtures/outputs/libraries/', import.meta.url);

async function shownOf(name: string): Promise<string[]> {
  const recorded: unknown = JSON.parse(await readFile(new URL(`${name}.json`, fixtures), 'utf8'));
  const { messages } = recorded as { messages: { type: string; content: KernelMessage['content'] }[] };
  const dir = await mkdtemp(join(tmpdir(), 'libraries-'));
  try {
    const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 1_000_000 });
    for (const { type, content } of messages) {
      const message = { type, content, parentId: 'EXECUTION', channel: 'iopub' } as KernelMessage;
      const output = readOutput(message);
      if (output !== undefined) await transcript.add(output);
    }
    await transcript.seal();
    return transcript.view().parts.map((part) => {
      if (part.kind === 'text') return `${part.source}: ${(part.text.head + part.text.tail).trimEnd()}`;
      if (part.kind === 'attachment') return `file: ${part.filename}`;
      return part.kind === 'table' ? `table: ${part.totalRows} × ${part.columns.length}` : part.kind;
    });
  } finally {
    await rm(dir, { recursive: true });
  }
}

test.each<[string, (string | RegExp)[]]>([
  ['altair', ['file: output.html']],
  ['polars-plot', ['file: output.html']],
  ['plotly', ['file: plotly.html']],
  ['plotly-notebook', []],
  ['bokeh', ['file: bokeh.html']],
  ['holoviews-init', []],
  ['holoviews', ['file: output.html']],
  ['itables-init', []],
  ['itables-show', ['table: 2 × 2']],
  ['itables-call', ['table: 40 × 3']],
  ['polars', ['table: 2 × 2']],
  ['styler', ['result: Cap', 'table: 2 × 3']],
  ['audio', ['file: audio.wav']],
  ['image-url', ['result: https://example.com/a.png']],
  ['youtube', ['result: https://www.youtube.com/embed/abc']],
  ['js', []],
  ['tqdm-auto', [/^result: 100% \|█{20}\| 30\/30 /, "result: 'finished'"]],
  ['tqdm-nested', [/^result: outer: 100% \|█{20}\| 3\/3 /]],
  ['tqdm-print', [/^stderr: 100%\|█+\| 120\/120 /, /^stdout: epoch 0 [^]*epoch 119 /]],
  ['rich', ['stdout: KEEP', /^result: Working\.\.\. ━+ 100% /]],
  ['widget-output', ['stdout: KEEP', 'stdout: two']],
  ['widget-interact', ['stdout: before', 'stdout: x is 3', 'result: x 3']],
  ['widget-slider', ['result: n 5']],
  [
    'widgets',
    [
      'f 1.5',
      'r 2 – 7',
      'a – c',
      'pick c',
      'Two',
      'sm x, z',
      'none',
      '☑ on?',
      '☐ off?',
      't 1 < 2 <b>',
      'pw ••••',
      'day',
      '09:05:01',
      '2026-11-30 09:05:00',
      '2026-11-30 09:05:00 UTC',
      '|██████████          |',
      'bold text',
      'lab',
      'x, y',
      'a 1\n☐ c\nl t',
      "Image(value=b'abc')",
    ].map((line) => `result: ${line}`),
  ],
])('%s', async (name, expected) => {
  const shown = await shownOf(name);
  expect(shown).toEqual(
    expected.map((each) => (each instanceof RegExp ? expect.stringMatching(each) : each)),
  );
});

test('an error of an old Toree, which is a result and a reply, is shown once', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'libraries-'));
  const transcript = await openTranscript({ dir, runId: 'run-1', maxOutputBytes: 1_000_000 });
  const value = 'Job aborted due to stage failure';
  const said = `Name: org.apache.spark.SparkException\nMessage: ${value}\nStackTrace:   at org.apache.spark.X(X.scala:1)`;
  await transcript.add({ kind: 'result', data: { 'text/plain': said }, metadata: {} });
  await transcript.add({
    kind: 'error',
    name: 'org.apache.spark.SparkException',
    value,
    traceback: [],
  });
  expect(transcript.view().parts.map(({ kind }) => kind)).toEqual(['error']);
  await rm(dir, { recursive: true });
});
