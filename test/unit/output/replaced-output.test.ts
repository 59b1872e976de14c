import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import type { OutputView } from '../../../src/output/output-view.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import type { Transcript, TranscriptOptions } from '../../../src/output/transcript.ts';
import { show, stdout, update } from '../../support/kernel-outputs.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replaced-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(dir, { recursive: true, force: true });
});

const open = (options: Partial<TranscriptOptions> = {}) =>
  openTranscript({ dir, runId: 'run-1', maxOutputBytes: 100_000_000, ...options });
const folder = () => join(dir, 'run-1');

const failure = (text: string): KernelOutput => ({
  kind: 'error',
  name: 'ValueError',
  value: text,
  traceback: [],
});
const clear: KernelOutput = { kind: 'clear', wait: true };
const big = (name: string | number, chars: number) => `${name} ${'x'.repeat(chars - 12)} end\n`;

async function bytesOnDisk(): Promise<number> {
  const sizes = (await readdir(folder())).map(async (name) => (await stat(join(folder(), name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The text of each part, as far as memory holds it. */
function textsOf(view: OutputView): string[] {
  return view.parts.map((part) => {
    if (part.kind === 'error') return part.headline;
    return part.kind === 'text' ? `${part.text.head}${part.text.tail}` : part.kind;
  });
}

/** The whole texts of a kind, as the disk has them. */
async function wholeTexts(view: OutputView, kind: 'text' | 'error'): Promise<string> {
  const paths = view.parts.flatMap((part) => (part.kind === kind && 'path' in part ? (part.path ?? []) : []));
  return paths[0] === undefined ? '' : readFile(paths[0], 'utf8');
}

async function fileOf(transcript: Transcript, kind: 'text' | 'error' = 'text'): Promise<string> {
  await transcript.seal();
  return wholeTexts(transcript.view(), kind);
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
  expect(transcript.view().limited).toBe(false);
  expect(most).toBeLessThan(4_000_000);
  const kind = transcript.view().parts[0]?.kind === 'error' ? 'error' : 'text';
  const whole = await fileOf(transcript, kind);
  expect(whole).toContain(big(999, 20_000).trim());
  expect(whole.length).toBeLessThan(20_100);
});

test('small updates for hours take no more room than one', async () => {
  const transcript = await open();
  await transcript.add(show('0', 'd'));
  for (let n = 1; n < 1_500; n += 1) await transcript.add(update(`${n}`, 'd'));
  expect(await bytesOnDisk()).toBeLessThan(3_000);
  expect((await readdir(folder())).length).toBeLessThan(500);
  expect(await fileOf(transcript)).toBe('1499');
  expect(textsOf((await open({ recovered: true })).view())).toEqual(['1499']);
});

test('the files contain the current output, in order', async () => {
  const transcript = await open();
  for (const name of ['a', 'b', 'c']) await transcript.add(show(name, name));
  await transcript.add(update('B', 'b'));
  await transcript.add(update('A', 'a'));
  expect(await fileOf(transcript)).toBe('A\nB\nc');
  await transcript.add(show('late'));
  expect(await fileOf(transcript)).toBe('A\nB\nc\nlate');
});

test('output that is no longer shown stays in the file when that is written anew', async () => {
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

test('a process that dies at any moment leaves a state that was shown, with its files', async () => {
  // the snapshot that is due after a second would be written into the copy
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const transcript = await open();
  const seen = new Set<string>(['']);
  const steps: KernelOutput[] = Array.from({ length: 45 }, (_, n): KernelOutput[] => [
    stdout(`line ${n}\n`),
    show(big(n, 30_000), `d${n % 7}`),
    update(big(`new ${n}`, 60_000), `d${(n + 3) % 7}`),
    ...(n % 20 === 19 ? [clear] : []),
    ...(n % 10 === 9 ? [failure(big(n, 30_000))] : []),
  ]).flat();
  let recovered = 0;
  for (const [at, step] of steps.entries()) {
    await transcript.add(step);
    seen.add(shownIn(transcript.view()));
    if (at % 11 !== 0) continue;
    const view = await recoverCopy();
    // its stream may be ahead of the rest
    expect(seen).toContain(shownIn(view));
    if (shownIn(view) !== '') recovered += 1;
    const wholes = view.parts.flatMap((part) =>
      part.kind === 'text' && part.path !== undefined ? part : [],
    );
    const names = wholes.map(({ text }) => text.head.slice(0, text.head.indexOf(' x')));
    const expected = names.map((name) => big(name, name.startsWith('new') ? 60_000 : 30_000)).join('\n');
    expect((await wholeTexts(view, 'text')) === expected).toBe(true);
  }
  expect(recovered).toBeGreaterThan(5);
  await transcript.seal();
  const again = await open({ recovered: true });
  await again.seal();
  expect(textsOf(again.view())).toEqual(textsOf(transcript.view()));
});

/** What a successor makes of the folder as it is now; the folder stays as it is. */
async function recoverCopy(): Promise<OutputView> {
  await cp(folder(), `${folder()}-copy`, { recursive: true });
  await rename(folder(), `${folder()}-live`);
  await rename(`${folder()}-copy`, folder());
  // half of a picture that was being written
  await writeFile(join(folder(), 'parts.json.new'), '{"version":1,"pict');
  const again = await open({ recovered: true });
  await again.seal();
  const view = again.view();
  const texts = await wholeTexts(view, 'text');
  await mkdir(`${folder()}-read`, { recursive: true });
  const path = join(`${folder()}-read`, 'results.txt');
  await writeFile(path, texts);
  await rm(folder(), { recursive: true });
  await rename(`${folder()}-live`, folder());
  const parts = view.parts.map((part) =>
    part.kind === 'text' && part.path !== undefined ? { ...part, path } : part,
  );
  return { ...view, parts };
}

/** All but the streams. */
function shownIn(view: OutputView): string {
  const parts = view.parts.filter((part) => part.kind !== 'text' || part.source === 'result');
  return textsOf({ ...view, parts }).join('|');
}

test('without a readable snapshot only the stream text is left', async () => {
  const transcript = await open();
  for (const output of [stdout('a\n'), show('shown'), stdout('b\n')]) await transcript.add(output);
  await transcript.seal();
  await writeFile(join(folder(), 'parts.json'), '{"version":1,"at":2,"picture":{"entries":[{"kind":"?"}]}}');
  const again = await open({ recovered: true });
  await again.seal();
  expect(textsOf(again.view())).toEqual(['a\nb\n']);
  expect((await readdir(folder())).filter((name) => name.endsWith('results.txt'))).toEqual([]);
});

test('MAX_OUTPUT counts streams and what is shown together', async () => {
  const transcript = await open({ maxOutputBytes: 1_000 });
  await transcript.add(stdout('x'.repeat(300)));
  await transcript.add(show('y'.repeat(300), 'd'));
  await transcript.add(update('y'.repeat(350), 'd'));
  expect(transcript.view().limited).toBe(false);
  await transcript.add(stdout('x'.repeat(400)));
  expect(transcript.view().limited).toBe(true);
});
