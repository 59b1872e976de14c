import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { KernelOutput } from '../../../../src/gateway/outputs.ts';
import { openTranscript } from '../../../../src/output/run-transcript.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { expectedErrors } from '../../output/errors/expected-errors.ts';

const folder = new URL('../../../fixtures/outputs/errors/', import.meta.url);
const recorded = z.object({ code: z.string(), outputs: z.array(z.custom<KernelOutput>()) });
const dir = await mkdtemp(join(tmpdir(), 'recorded-'));
afterAll(() => rm(dir, { recursive: true, force: true }));

const failures = readdirSync(folder)
  .map((name) => name.replace('.json', ''))
  .flatMap((name) => {
    const { code, outputs } = recorded.parse(
      JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')),
    );
    return outputs.some(({ kind }) => kind === 'error') ? [{ name, code, outputs }] : [];
  });

test('there are many recorded failures, of each language', () => {
  for (const [prefix, least] of [
    ['python-', 20],
    ['python2-', 3],
    ['pyspark35-', 10],
    ['pyspark4-', 10],
    ['scala-', 10],
    ['r-', 8],
  ] as const) {
    expect(failures.filter(({ name }) => name.startsWith(prefix)).length).toBeGreaterThanOrEqual(least);
  }
});

test.each(failures)(
  '$name: the answer begins with the cause and the line',
  async ({ name, code, outputs }) => {
    const transcript = await openTranscript({ dir, runId: name, maxOutputBytes: 1_000_000 });
    transcript.startBlock(code, 0);
    for (const output of outputs) await transcript.add(output);
    await transcript.seal();
    const { message } = renderRunMessage(
      {
        runId: name,
        requester: 'U1',
        kernelspec: 'spec',
        phase: {
          kind: 'ended',
          outcome: {
            kind: 'raised',
            durationMs: 1,
            kernelspec: 'spec',
            variablesLost: false,
            possibleGap: false,
          },
        },
        output: transcript.view(),
        notes: [],
        edition: 1,
        actions: [],
      },
      0,
    );
    const [cause, line] = expectedErrors[name] ?? ['no expectation', undefined];
    const first = message.text.slice(0, 300).replaceAll('&lt;', '<').replaceAll('&gt;', '>');
    expect(first).toContain(cause);
    expect(first).toContain(line ?? cause);
  },
);
