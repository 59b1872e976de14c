import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import type { OutputView } from '../../../src/output/output-view.ts';
import { openTranscript, type Transcript, type TranscriptOptions } from '../../../src/output/transcript.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replaced-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (options: Partial<TranscriptOptions> = {}) =>
  openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000, ...options });
const folder = () => join(dir, 'run-1');

const show = (text: string, displayId?: string): KernelOutput => ({
  kind: 'display',
  data: { 'text/plain': text },
  metadata: {},
  ...(displayId === undefined ? {} : { displayId }),
});
const update = (text: string, displayId: string): KernelOutput => ({
  kind: 'updateDisplay',
  data: { 'text/plain': text },
  metadata: {},
  displayId,
});
const failure = (text: string): KernelOutput => ({
  kind: 'error',
  name: 'ValueError',
  value: text,
  traceback: [],
  fromReply: false,
});
const stdout = (text: string): KernelOutput => ({ kind: 'stream', name: 'stdout', text });
const clear: KernelOutput = { kind: 'clear', wait: true };
const big = (name: string | number, chars: number) => `${name} ${'x'.repeat(chars - 12)} end\n`;

async function bytesOnDisk(): Promise<number> {
  const sizes = (await readdir(folder())).map(async (name) => (await stat(join(folder(), name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The whole text of each part, as it stands on the disk or in memory. */
async function wholeTexts(view: OutputView): Promise<string[]> {
  return Promise.all(
    view.parts.map(async (part) => {
      if (part.kind !== 'text' && part.kind !== 'error') return part.kind;
      if (part.path === undefined || part.kept === undefined)
        return part.kind === 'text' ? part.text.head : '';
      const bytes = (await readFile(part.path)).subarray(part.kept.from, part.kept.to);
      return bytes.toString().replace(/^\n/, '');
    }),
  );
}

async function fileOf(transcript: Transcript, kind: 'text' | 'error' = 'text'): Promise<string> {
  await transcript.seal();
  const part = transcript.view().parts.find((each) => each.kind === kind);
  return readFile(part !== undefined && 'path' in part ? (part.path ?? '') : '', 'utf8');
}

test.each([
  [
    'a display that is updated',
    (n: number) => [n === 0 ? show(big(n, 20_000), 'd') : update(big(n, 20_000), 'd')],
  ],
  ['a loop of clear_output(wait=True)', (n: number) => [clear, show(big(n, 20_000))]],
  ['a loop of errors that are cleared', (n: number) => [clear, failure(big(n, 20_000))]],
])('%s for hours costs neither MAX_OUTPUT nor the disk', async (_, frame) => {
  const transcript = await open({ maxOutputBytes: 100_000 });
  let most = 0;
  for (let n = 0; n < 1_000; n += 1) {
    for (const output of frame(n)) await transcript.add(output);
    if (n % 50 === 0) most = Math.max(most, await bytesOnDisk());
  }
  expect(transcript.limited).toBe(false);
  expect(most).toBeLessThan(4_000_000);
  const kind = transcript.view().parts[0]?.kind === 'error' ? 'error' : 'text';
  const whole = await fileOf(transcript, kind);
  expect(whole).toContain(big(999, 20_000).trim());
  expect(whole.length).toBeLessThan(20_100);
});

test('small updates for hours do not let the journal grow', async () => {
  const transcript = await open();
  await transcript.add(show('0', 'd'));
  for (let n = 1; n < 20_000; n += 1) await transcript.add(update(`${n}`, 'd'));
  expect(await bytesOnDisk()).toBeLessThan(3_000_000);
  expect(await fileOf(transcript)).toBe('19999');
  expect(await wholeTexts((await open({ recovered: true })).view())).toEqual(['19999']);
});

test('what takes the place of something else has its room', async () => {
  const transcript = await open({ maxOutputBytes: 1_000 });
  for (let n = 0; n < 5; n += 1) {
    await transcript.add(n === 0 ? show(big(n, 700), 'd') : update(big(n, 700), 'd'));
    expect(transcript.limited).toBe(false);
  }
  await transcript.add(show(big('one more', 700)));
  expect(transcript.limited).toBe(true);
});

test('the files hold what stands, in the order of the picture', async () => {
  const transcript = await open();
  for (const name of ['a', 'b', 'c']) await transcript.add(show(name, name));
  await transcript.add(update('B', 'b'));
  await transcript.add(update('A', 'a'));
  expect(await fileOf(transcript)).toBe('A\nB\nc');
  await transcript.add(show('late'));
  expect(await fileOf(transcript)).toBe('A\nB\nc\nlate');
});

test('what crowded out of the picture stays in the file when that is written anew', async () => {
  const transcript = await open();
  for (let n = 0; n < 300; n += 1) await transcript.add(show(`value ${n}`, `d${n}`));
  await transcript.add(update('first', 'd0'));
  await transcript.add(update('last', 'd299'));
  await transcript.seal();
  const again = await open({ recovered: true });
  await again.add(update('again', 'd150'));
  await again.seal();
  const [loss] = again.view().losses;
  const kept = await readFile((loss?.kind === 'tooMany' ? loss.path : undefined) ?? '', 'utf8');
  const values = Array.from({ length: 298 }, (_, n) => `value ${n + 1}`);
  expect(kept.split('\n')).toEqual(['first', ...values, 'last', 'again']);
});

test('a process that dies at any moment leaves a picture that stood', async () => {
  const transcript = await open();
  const seen = new Set<string>();
  const steps: KernelOutput[] = Array.from({ length: 45 }, (_, n): KernelOutput[] => [
    stdout(`line ${n}\n`),
    show(big(n, 30_000), `d${n % 7}`),
    update(big(`new ${n}`, 60_000), `d${(n + 3) % 7}`),
    ...(n % 20 === 19 ? [clear] : []),
    ...(n % 10 === 9 ? [failure(big(n, 30_000))] : []),
  ]).flat();
  seen.add(JSON.stringify([]));
  for (const [at, step] of steps.entries()) {
    await transcript.add(step);
    seen.add(JSON.stringify(await wholeTexts(transcript.view())));
    if (at % 11 !== 0) continue;
    // half of a picture that was being written
    await writeFile(join(folder(), 'journal.jsonl.new'), '{"at":0,"pict');
    const again = await open({ recovered: true });
    const texts = JSON.stringify(await wholeTexts(again.view()));
    // its stream may be behind what the disk has of the rest
    expect([...seen].some((each) => withoutStream(each) === withoutStream(texts))).toBe(true);
  }
  await transcript.seal();
  const again = await open({ recovered: true });
  expect(await wholeTexts(again.view())).toEqual(await wholeTexts(transcript.view()));
});

function withoutStream(texts: string): string {
  return texts.replaceAll(/"(line \d+\\n)+",?/g, '');
}
