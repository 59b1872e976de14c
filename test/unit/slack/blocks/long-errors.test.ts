import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { KernelOutput } from '../../../../src/gateway/outputs.ts';
import { openTranscript } from '../../../../src/output/run-transcript.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';

const dir = await mkdtemp(join(tmpdir(), 'long-errors-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

const outcome = {
  kind: 'raised',
  durationMs: 1,
  kernelspec: 'spec',
  variablesLost: false,
  possibleGap: false,
} as const;

type KernelFailure = Pick<KernelOutput & { kind: 'error' }, 'name' | 'value' | 'traceback'>;

async function renderedFor(runId: string, outputs: readonly KernelOutput[], maxOutputBytes = 10_000_000) {
  const transcript = await openTranscript({ dir, runId, maxOutputBytes });
  for (const output of outputs) await transcript.add(output);
  await transcript.seal();
  const { message, files } = renderRunMessage(
    {
      runId,
      requester: 'U1',
      kernelspec: 'spec',
      phase: { kind: 'ended', outcome },
      output: transcript.view(),
      notes: [],
      edition: 1,
      actions: [],
    },
    0,
  );
  return {
    blocks: JSON.stringify(message.blocks),
    files: files.flatMap((file) =>
      file.kind === 'file'
        ? [
            {
              name: file.filename,
              content: 'path' in file.content ? readFileSync(file.content.path, 'utf8') : file.content.text,
            },
          ]
        : [],
    ),
  };
}

const failures: Record<string, (message: string) => KernelFailure> = {
  python: (message) => ({
    name: 'ValueError',
    value: message,
    traceback: [
      'Cell In[1], line 1\n----> 1 raise ValueError(text)\n',
      `\u001b[31mValueError\u001b[0m: ${message}`,
    ],
  }),
  r: (message) => ({
    name: 'ERROR',
    value: `Error: ${message}\n`,
    traceback: [`Error: ${message}\nTraceback:\n`],
  }),
  scala: (message) => ({ name: 'java.lang.Exception', value: message, traceback: ['  at f(<console>:1)'] }),
  'a kernel without tracebacks': (message) => ({ name: 'ValueError', value: message, traceback: [] }),
};

test.each(
  Object.keys(failures).flatMap((language) => [20_000, 1_000_000].map((chars) => [language, chars] as const)),
)('%s: what a message of %i characters hides is in the file that it names', async (language, chars) => {
  const message = `first ${'x'.repeat(chars / 2)} middle ${'y'.repeat(chars / 2)} last`;
  const failure = failures[language]?.(message) ?? { name: '', value: '', traceback: [] };
  const { blocks, files } = await renderedFor(`${language}-${chars}`, [{ kind: 'error', ...failure }]);
  expect(blocks).toContain('hidden, all in traceback.txt');
  expect(files.map(({ name }) => name)).toEqual(['traceback.txt']);
  expect(files[0]?.content).toContain(message);
  expect(files[0]?.content).not.toContain('\u001b');
});

test('a file for which there was no room is not named', async () => {
  const { blocks, files } = await renderedFor(
    'no-room',
    [
      { kind: 'result', data: { 'text/plain': 'r'.repeat(30_000) }, metadata: {} },
      { kind: 'error', name: 'ValueError', value: 'v'.repeat(30_000), traceback: [] },
    ],
    10_000,
  );
  expect(blocks).toMatch(/hidden …/);
  expect(blocks).not.toContain('.txt');
  expect(files).toEqual([]);
});

test('the tracebacks of a run are in one file', async () => {
  const errors = ['first', 'second'].map((word) => ({
    kind: 'error' as const,
    name: 'ValueError',
    value: word,
    traceback: [`${word} line\n`.repeat(2_000)],
  }));
  const { files } = await renderedFor('two-errors', errors);
  expect(files.map(({ name }) => name)).toEqual(['traceback.txt']);
  expect(files[0]?.content).toMatch(/first line\n[^]*second line\n/);
});
