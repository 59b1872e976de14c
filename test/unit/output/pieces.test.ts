import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import { readOutput } from '../../../src/gateway/protocol/messages.ts';
import type { KernelMessage } from '../../../src/gateway/protocol/wire.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { SpoolBudget } from '../../../src/output/spool/spool.ts';
import { piecesOf } from '../../../src/output/terminal/terminal-reader.ts';
import type { Transcript } from '../../../src/output/transcript.ts';
import { temporaryFolder } from '../../contract/temporary-folder.ts';

const MB = 1_000_000;
const dir = temporaryFolder();

/** Bytes of the heap that something holds. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** As it comes from a message: a string of its own. */
const sent = (text: string): string => (JSON.parse(JSON.stringify([text])) as string[])[0] ?? '';

const outputs: Record<string, (text: string) => KernelOutput> = {
  stream: (text) => ({ kind: 'stream', name: 'stdout', text }),
  result: (text) => ({ kind: 'result', data: { 'text/plain': text }, metadata: {} }),
};

test.each(Object.entries(outputs))(
  'of a long %s its ends alone are held, while its answer stands',
  async (runId, of) => {
    const options = { dir, readsConsoleBar: false, maxOutputBytes: 1e9, budget: new SpoolBudget(1e9) };
    const before = heldBytes();
    const held: Transcript[] = [];
    for (const sign of ['a', 'b', 'c']) {
      const transcript = await openTranscript({ ...options, runId: runId + sign, recovered: false });
      await transcript.add(of(sent(sign.repeat(10 * MB))));
      await transcript.seal();
      expect(transcript.view().parts).toHaveLength(1);
      held.push(transcript);
    }
    expect(heldBytes() - before).toBeLessThan(10 * MB);
    expect(held).toHaveLength(3);
  },
);

test('of a widget’s long texts their beginnings alone are held', () => {
  const before = heldBytes();
  const widgets = ['a', 'b', 'c'].map((sign) => {
    const state = { _model_name: 'HTMLModel', value: sent(sign.repeat(10 * MB)) };
    const content = { comm_id: sign, target_name: 'jupyter.widget', data: { state } };
    const message: Partial<KernelMessage> = { type: 'comm_open', content, channel: 'iopub' };
    return readOutput(message as KernelMessage);
  });
  expect(heldBytes() - before).toBeLessThan(10 * MB);
  expect(widgets).toMatchObject([{ state: { value: 'a'.repeat(500) } }, {}, {}]);
});

test('the pieces join to the text, even around a surrogate pair', () => {
  const text = '😀'.repeat(10);
  expect([...piecesOf(text, 7)].join('')).toBe(text);
  expect([...piecesOf(text, 20)]).toEqual([text]);
  expect([...piecesOf('', 7)]).toEqual(['']);
});
