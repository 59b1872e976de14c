import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KernelOutput } from '../../../src/gateway/outputs.ts';
import type { OutputPart } from '../../../src/output/output-view.ts';
import { openTranscript } from '../../../src/output/run-transcript.ts';
import { FoldedText } from '../../../src/output/terminal/terminal-text.ts';
import { startDisplays, type Transcript, type TranscriptOptions } from '../../../src/output/transcript.ts';
import { stderr, stdout } from '../../support/kernel-outputs.ts';
import { longestTurnMs, watchTurns } from '../../support/turns.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'transcript-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = async (options: Partial<TranscriptOptions> = {}) => {
  const all = { dir, runId: 'run-1', maxOutputBytes: 100_000_000, ...options };
  const transcript = await openTranscript(all);
  options.displays?.open(all.runId, transcript);
  return transcript;
};

const result = (text: string): KernelOutput => ({
  kind: 'result',
  data: { 'text/plain': text },
  metadata: {},
});
const display = (text: string, displayId: string): KernelOutput => ({
  kind: 'display',
  data: { 'text/plain': text },
  metadata: {},
  displayId,
});
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

async function take(transcript: Transcript, outputs: readonly KernelOutput[]) {
  for (const output of outputs) await transcript.add(output);
}

function shown(parts: readonly OutputPart[]): string[] {
  return parts.map((part) => {
    if (part.kind === 'text') return `${part.source}: ${part.text.head}${part.text.tail}`;
    if (part.kind === 'error') return `error: ${part.headline}`;
    return part.kind;
  });
}

test('a plot that IRkernel could not draw, which it prints on stderr, is an error', async () => {
  const transcript = await open();
  transcript.startBlock('ggplot(cars, aes(nope))', 0);
  const said =
    "Error in `geom_point()`:\n! Problem.\nCaused by error in `FUN()`:\n! object 'nope' not found\n";
  const calls = Array.from({ length: 30 }, (_, n) => `${n + 1}. step(${n})`).join('\n');
  const start = '1. tryCatch(withCallingHandlers({\n .     stop("x")\n . })\n';
  await take(transcript, [
    stderr('a warning\n'),
    stderr(`ERROR while rich displaying an object: ${said}\nTraceback:\n${start}${calls}\n`),
    result('<plot>'),
  ]);
  await transcript.seal();
  const [warning, error, text] = transcript.view().parts;
  expect([warning?.kind, text?.kind]).toEqual(['text', 'text']);
  expect(error).toMatchObject({
    kind: 'error',
    headline: "Error in `geom_point()`: Problem. Caused by error in `FUN()`: ! object 'nope' not found",
    userLine: 'line 1: ggplot(cars, aes(nope))',
    isFolded: true,
  });
  if (error?.kind !== 'error' || error.path === undefined) throw new Error('no file');
  expect(await readFile(error.path, 'utf8')).toContain('30. step(29)');
});

test('output keeps its order and kinds', async () => {
  const transcript = await open();
  await take(transcript, [
    { kind: 'started' },
    { kind: 'counted', executionCount: 1 },
    stdout('a'),
    stdout('b\n'),
    stderr('warn\n'),
    stdout('c\n'),
    result('42'),
    { kind: 'error', name: 'ValueError', value: 'no', traceback: [] },
    { kind: 'page', data: { 'text/plain': '\u001b[31mhelp\u001b[0m' } },
    { kind: 'nextInput', text: 'x = 1' },
  ]);
  expect(shown(transcript.view().parts)).toEqual([
    'stdout: ab\n',
    'stderr: warn\n',
    'stdout: c\n',
    'result: 42',
    'error: ValueError: no',
    'pager: help',
    'nextInput: x = 1',
  ]);
});

test('an error that IPython prints and also replies with is shown once', async () => {
  const transcript = await open();
  const value = 'Line magic function `%foo` not found.';
  await take(transcript, [
    stderr('careful\n'),
    stderr(`UsageError: ${value}\n`),
    { kind: 'error', name: 'UsageError', value, traceback: [] },
    { kind: 'error', name: 'UsageError', value, traceback: [] },
  ]);
  await transcript.seal();
  const said = ['stderr: careful\n', `error: UsageError: ${value}`];
  expect(shown(transcript.view().parts)).toEqual(said);
  expect(await readFile(transcript.view().spoolPath ?? '', 'utf8')).toBe(`careful\nUsageError: ${value}\n`);
  expect(shown((await open({ recovered: true })).view().parts)).toEqual(said);
});

test('the spool is the stream text alone, byte for byte, whatever was shown', async () => {
  const transcript = await open();
  const text = 'prog\r100%\n\u001b[31mred\u001b[0m \u0000\b ü 😀 \r\n';
  await take(transcript, [
    stdout(text),
    result('not in it'),
    stderr('\ud83d'),
    stderr('\ude00 \ud800'),
    stdout('x'),
  ]);
  await transcript.seal();
  expect(await readFile(transcript.view().spoolPath ?? '', 'utf8')).toBe(`${text}😀 \ufffdx`);
});

test('a clear removes all output, with wait only when the next output comes; the spool keeps everything', async () => {
  const transcript = await open();
  await take(transcript, [stdout('one\n'), { kind: 'clear', wait: true }]);
  expect(shown(transcript.view().parts)).toEqual(['stdout: one\n']);
  await take(transcript, [stdout('two\n')]);
  expect(shown(transcript.view().parts)).toEqual(['stdout: two\n']);
  await take(transcript, [{ kind: 'clear', wait: false }]);
  expect(transcript.view().parts).toEqual([]);
  await transcript.seal();
  expect(await readFile(transcript.view().spoolPath ?? '', 'utf8')).toBe('one\ntwo\n');
});

test('pictures that were cleared leave no files behind', async () => {
  const transcript = await open();
  for (let frame = 0; frame < 5; frame += 1) {
    await take(transcript, [
      { kind: 'clear', wait: true },
      { kind: 'display', data: { 'image/png': pixel }, metadata: {} },
    ]);
  }
  await transcript.seal();
  expect(shown(transcript.view().parts)).toEqual(['image']);
  expect((await readdir(join(dir, 'run-1'))).filter((name) => name.endsWith('.png'))).toHaveLength(1);
});

test('a display is updated in its place', async () => {
  const transcript = await open();
  await take(transcript, [
    display('first', 'd1'),
    stdout('between\n'),
    { kind: 'updateDisplay', data: { 'text/plain': 'second' }, metadata: {}, displayId: 'd1' },
  ]);
  expect(shown(transcript.view().parts)).toEqual(['result: second', 'stdout: between\n']);
});

test('a display of an earlier run is updated there, and the listener is called', async () => {
  const updated: string[] = [];
  const displays = startDisplays((runId) => updated.push(runId));
  const first = await open({ displays });
  const second = await open({ runId: 'run-2', displays });
  await take(first, [display('0 %', 'd1')]);
  await first.seal();
  await take(second, [
    { kind: 'updateDisplay', data: { 'text/plain': '50 %' }, metadata: {}, displayId: 'd1' },
  ]);
  await take(second, [
    { kind: 'updateDisplay', data: { 'text/plain': 'x' }, metadata: {}, displayId: 'unknown' },
  ]);
  expect(shown(first.view().parts)).toEqual(['result: 50 %']);
  expect(second.view().parts).toEqual([]);
  expect(updated).toEqual(['run-1']);
});

test('two runs that update each other’s displays at once do not wait for each other for ever', async () => {
  const displays = startDisplays(() => {});
  const [first, second] = [await open({ displays }), await open({ runId: 'run-2', displays })];
  await take(first, [display('a', 'd1')]);
  await take(second, [display('b', 'd2')]);
  const update = (displayId: string): KernelOutput => ({
    kind: 'updateDisplay',
    data: { 'text/plain': `new ${displayId}` },
    metadata: {},
    displayId,
  });
  const busy = [first.add(stdout('x')), second.add(stdout('y'))];
  await Promise.all([...busy, first.add(update('d2')), second.add(update('d1'))]);
  expect(shown(first.view().parts)).toEqual(['result: new d1', 'stdout: x']);
  expect(shown(second.view().parts)).toEqual(['result: new d2', 'stdout: y']);
});

test('a run whose output is removed is no longer updated', async () => {
  const updated: string[] = [];
  const displays = startDisplays((runId) => updated.push(runId));
  const first = await open({ displays });
  const second = await open({ runId: 'run-2', displays });
  await take(first, [display('0 %', 'd1')]);
  await first.remove();
  await take(second, [
    { kind: 'updateDisplay', data: { 'text/plain': '50 %' }, metadata: {}, displayId: 'd1' },
  ]);
  expect(updated).toEqual([]);
  expect(first.view().losses).toEqual([]);
  expect(existsSync(join(dir, 'run-1'))).toBe(false);
});

test.each([9, 10, 11])('MAX_OUTPUT of 10 with %i bytes', async (bytes) => {
  const transcript = await open({ maxOutputBytes: 10 });
  await take(transcript, [stdout('x'.repeat(bytes - 2)), stdout('é'), stdout('')]);
  await transcript.seal();
  expect(transcript.view().limited).toBe(bytes > 10);
  const kept = bytes > 10 ? 'x'.repeat(9) : `${'x'.repeat(bytes - 2)}é`;
  expect(await readFile(transcript.view().spoolPath ?? '', 'utf8')).toBe(kept);
  expect(shown(transcript.view().parts)).toEqual([`stdout: ${kept}`]);
});

test('missing output is recorded as a loss', async () => {
  const transcript = await open();
  await take(transcript, [
    { kind: 'dropped', limit: 'data' },
    { kind: 'dropped', limit: 'data' },
    { kind: 'tooBig' },
    { kind: 'tooBig' },
    { kind: 'reconnected', fromMs: 3, toMs: 4 },
    { kind: 'reconnected', fromMs: 504, toMs: 505 },
    { kind: 'reconnected', fromMs: 60_000, toMs: 61_000 },
  ]);
  expect(transcript.view().losses).toEqual([
    { kind: 'dropped', limit: 'data' },
    { kind: 'tooBig', messages: 2 },
    { kind: 'gap', fromMs: 3, toMs: 505 },
    { kind: 'gap', fromMs: 60_000, toMs: 61_000 },
  ]);
});

test('of very many outputs the first and the last are kept', async () => {
  const transcript = await open();
  for (let n = 0; n < 300; n += 1) await transcript.add(result(`value ${n}`));
  await transcript.seal();
  const view = transcript.view();
  expect(view.parts).toHaveLength(101);
  expect(shown(view.parts)[0]).toBe('result: value 0');
  expect(shown(view.parts).at(-1)).toBe('result: value 299');
  const path = join(dir, 'run-1', 'results.txt');
  expect(view.losses).toEqual([{ kind: 'tooMany', parts: 200, streams: false, path }]);
  const kept = (await readFile(path, 'utf8')).split('\n');
  expect(kept).toEqual(Array.from({ length: 300 }, (_, n) => `value ${n}`));
  for (let n = 0; n < 60; n += 1) await take(transcript, [stdout(`line ${n}\n`), result(`more ${n}`)]);
  await transcript.seal();
  const [loss] = transcript.view().losses;
  expect(loss).toMatchObject({ kind: 'tooMany', parts: 320, streams: true });
  const joined = await readFile((loss?.kind === 'tooMany' ? loss.path : undefined) ?? '', 'utf8');
  expect(joined.split('\n')).toEqual([...kept, ...Array.from({ length: 60 }, (_, n) => `more ${n}`)]);
});

test('after a crash the output is restored from the disk', async () => {
  const before = await open();
  await take(before, [
    stdout('a\rb 😀\n'),
    stderr('warn\n'),
    display('0 %', 'd1'),
    stdout('cleared\n'),
    { kind: 'updateDisplay', data: { 'text/plain': '50 %' }, metadata: {}, displayId: 'd1' },
    { kind: 'error', name: 'ValueError', value: 'no', traceback: ['x'] },
    { kind: 'display', data: { 'image/png': pixel }, metadata: {} },
    { kind: 'tooBig' },
    stderr('last'),
  ]);
  await before.seal();
  const after = await open({ recovered: true });
  expect(after.view()).toEqual(before.view());
  expect(after.lastKeptAtMs).toBeGreaterThan(Date.now() - 60_000);
  await take(after, [stderr(' words\n')]);
  expect(shown(after.view().parts).at(-1)).toBe('stderr: last words\n');
  await after.seal();
  expect(await readFile(after.view().spoolPath ?? '', 'utf8')).toBe('a\rb 😀\nwarn\ncleared\nlast words\n');
});

test('without a crash leftovers of the same run are deleted; without stored output there is no time', async () => {
  const before = await open();
  await take(before, [stdout('old\n')]);
  await before.seal();
  const after = await open();
  expect(after.view().parts).toEqual([]);
  await after.remove();
  expect(existsSync(join(dir, 'run-1'))).toBe(false);
  expect((await open({ recovered: true })).lastKeptAtMs).toBeUndefined();
});

test('a run without output leaves nothing on the disk', async () => {
  const transcript = await open();
  await take(transcript, [{ kind: 'started' }]);
  await transcript.seal();
  expect(existsSync(join(dir, 'run-1'))).toBe(false);
});

test('many small writes, then large ones: the file has them in order', async () => {
  const transcript = await open();
  const lines = Array.from({ length: 200 }, (_, nth) => `${nth} ${'x'.repeat(nth * 10)}\n`);
  await take(transcript, lines.map(stdout));
  await transcript.seal();
  await take(transcript, [stdout('late\n')]);
  await transcript.seal();
  expect(await readFile(transcript.view().spoolPath ?? '', 'utf8')).toBe(`${lines.join('')}late\n`);
});

test('a failing disk is reported as a loss, its reason once, and nothing breaks', async () => {
  const reasons: unknown[] = [];
  const onDiskFailure = (error: unknown) => void reasons.push(error);
  const transcript = await open({ onDiskFailure });
  // A file where the folder should be.
  await writeFile(join(dir, 'run-1'), '');
  await take(transcript, [
    stdout('x\n'),
    result('y'),
    { kind: 'display', data: { 'image/png': pixel }, metadata: {} },
    stdout('z\n'),
  ]);
  await transcript.seal();
  expect(transcript.view().losses).toEqual([{ kind: 'diskFull' }]);
  expect(shown(transcript.view().parts)).toEqual(['stdout: x\n', 'result: y', 'stdout: z\n']);
  expect(reasons).toMatchObject([{ code: expect.stringMatching(/EEXIST|ENOTDIR/) }]);
});

test('an unreadable output is not a failure of the disk', async () => {
  const transcript = await open();
  const nonsense = { kind: 'display', data: null, metadata: {} } as unknown as KernelOutput;
  await take(transcript, [nonsense, stdout('x\n'), nonsense]);
  expect(transcript.view().losses).toEqual([{ kind: 'unread', outputs: 2 }]);
  expect(shown(transcript.view().parts)).toEqual(['stdout: x\n']);
});

test('100 MB in frames of 1 MB and 10 MB on one line never hold the event loop for long', async () => {
  const transcript = await open({ maxOutputBytes: 200_000_000 });
  const frame = `${'x'.repeat(79)}\n`.repeat(12_500);
  const line = 'y'.repeat(10_000_000);
  const hash = createHash('sha256');
  const longest = await longestTurnMs(async () => {
    for (let n = 0; n < 100; n += 1) await transcript.add(stdout(frame));
    await transcript.add(stdout(line));
    await transcript.seal();
  });
  for (let n = 0; n < 100; n += 1) hash.update(frame);
  hash.update(line);
  const kept = createHash('sha256').update(await readFile(transcript.view().spoolPath ?? ''));
  expect(kept.digest('hex')).toBe(hash.digest('hex'));
  const [part] = transcript.view().parts;
  const { head, tail, hiddenLines } =
    part?.kind === 'text' ? part.text : { head: '', tail: '', hiddenLines: 0 };
  expect(head.split('\n').length + hiddenLines + tail.split('\n').length - 1).toBe(1_250_001);
  // the aim is 50 ms; garbage is collected within
  expect(longest).toBeLessThan(100);
});

test('parts that nobody reads are not made', async () => {
  const made = vi.spyOn(FoldedText.prototype, 'view');
  const transcript = await open();
  for (let n = 0; n < 100; n += 1) {
    await transcript.add(stdout(`line ${n}\n`));
    transcript.view();
  }
  expect(made).not.toHaveBeenCalled();
  expect(shown(transcript.view().parts)).toHaveLength(1);
  expect(made).toHaveBeenCalledOnce();
  made.mockRestore();
});

test('many small outputs in a row leave turns for other work', async () => {
  const transcript = await open();
  using turns = watchTurns();
  for (let n = 0; n < 20_000; n += 1) await transcript.add(stdout(`line ${n}\n`));
  // Without turns of their own, others would have had one at most.
  expect(turns.count).toBeGreaterThan(1);
});

const sparkTable = (rows: number): string => {
  const line = `+${'-'.repeat(8)}+${'-'.repeat(90)}+\n`;
  const row = (id: string, text: string) => `|${id.padStart(8)}|${text.padStart(90)}|\n`;
  const body = Array.from({ length: rows }, (_, id) => row(`${id}`, `é ${id}`)).join('');
  return `${line}${row('id', 'text')}${line}${body}${line}`;
};

test.each(['stream', 'result'] as const)(
  'a table that is longer than what memory holds of a %s is a table all the same, whole in its CSV',
  async (kind) => {
    const transcript = await open();
    const written = `before\n${sparkTable(5_000)}after\n`;
    if (kind === 'result') await transcript.add(result(written));
    else {
      await transcript.add(stderr('a warning: é\n'));
      for (let at = 0; at < written.length; at += 999)
        await transcript.add(stdout(written.slice(at, at + 999)));
    }
    await transcript.seal();
    const parts = transcript.view().parts.slice(kind === 'result' ? 0 : 1);
    expect(shown(parts)).toEqual([
      expect.stringMatching(/: before$/),
      'table',
      expect.stringMatching(/: after\n?$/),
    ]);
    const table = parts.find((part) => part.kind === 'table');
    expect(table).toMatchObject({ columns: ['id', 'text'], sentRows: 5_000, totalRows: 5_000 });
    expect(table?.rows).toHaveLength(200);
    const csv = (await readFile(table?.csvPath ?? '', 'utf8')).trimEnd().split('\n');
    expect(csv).toHaveLength(5_001);
    expect(csv.at(-1)).toBe('4999,é 4999');
  },
);

test('the longest text that is searched for tables does not hold up other work', async () => {
  const transcript = await open();
  await transcript.add(stdout(sparkTable(19_000)));
  const longest = await longestTurnMs(() => transcript.seal());
  expect(shown(transcript.view().parts)).toEqual(['table']);
  expect(longest).toBeLessThan(250);
});

test('a long table is found again after a crash', async () => {
  const first = await open();
  await first.add(stdout(`before\n${sparkTable(1_000)}`));
  await first.seal();
  const again = await open({ recovered: true });
  await again.seal();
  expect(shown(again.view().parts)).toEqual(['stdout: before', 'table']);
});

test('a text that is too long to be searched for tables stays text, complete in the spool', async () => {
  const transcript = await open();
  const written = sparkTable(25_000);
  await transcript.add(stdout(written));
  await transcript.seal();
  const { parts, spoolPath } = transcript.view();
  expect(parts.map(({ kind }) => kind)).toEqual(['text']);
  expect(await readFile(spoolPath ?? '', 'utf8')).toBe(written);
});

test('the file of results and pager texts has no colours', async () => {
  const transcript = await open();
  const line = '\u001b[31mSignature:\u001b[39m f(x)\n';
  await take(transcript, [
    { kind: 'page', data: { 'text/plain': line.repeat(60_000) } },
    result('\u001b[1mbold'),
  ]);
  await transcript.seal();
  const kept = await readFile(join(dir, 'run-1', 'results.txt'), 'utf8');
  expect(kept === `${'Signature: f(x)\n'.repeat(60_000)}\nbold`).toBe(true);
});

test('argparse does not reveal where the gateway keeps its connection files', async () => {
  const transcript = await open();
  const said = 'usage: a.py\na.py: error: unrecognized arguments: -f /srv/jupyter/runtime/kernel-1a2b.json\n';
  await take(transcript, [stderr(said), stderr('cannot read /data/kernel.json\n')]);
  await transcript.seal();
  const [part] = transcript.view().parts;
  const printed = part?.kind === 'text' ? part.text.head + part.text.tail : '';
  expect(printed).toContain('unrecognized arguments: -f kernel-1a2b.json\ncannot read /data/kernel.json');
  expect(await readFile(transcript.view().spoolPath!, 'utf8')).not.toContain('/srv/jupyter');
});

test('what argparse printed gives its SystemExit a hint, as ipykernel sends both', async () => {
  const transcript = await open();
  const traceback = ['An exception has occurred, use %tb to see the full traceback.', 'SystemExit: 2'];
  await take(transcript, [
    stderr('usage: a.py\na.py: error: unrecognized arguments: -f /srv/kernel-1a2b.json\n'),
    { kind: 'error', name: 'SystemExit', value: '2', traceback },
  ]);
  const error = transcript.view().parts.find((part) => part.kind === 'error');
  expect(error?.kind === 'error' ? error.hint : undefined).toContain('parse_args([])');
});
