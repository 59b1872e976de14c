import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { KernelOutput } from '../../src/gateway/outputs.ts';
import { ended, runView, startRig } from './answers-rig.ts';

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const frame =
  '<table class="dataframe"><thead><tr><th></th><th>n</th></tr></thead><tbody><tr><th>0</th><td>1</td></tr></tbody></table>';

test('pictures, tables and files are in the thread in the order of the output', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const outputs: KernelOutput[] = [
    { kind: 'stream', name: 'stdout', text: 'first\n' },
    { kind: 'display', data: { 'image/png': png, 'text/plain': '<Figure size 1x1>' }, metadata: {} },
    { kind: 'display', data: { 'image/png': png }, metadata: {} },
    { kind: 'result', data: { 'text/html': frame, 'text/plain': '   n\n0  1' }, metadata: {} },
    { kind: 'display', data: { 'text/html': '<div id="c"></div><script>draw()</script>' }, metadata: {} },
  ];
  for (const output of outputs) await transcript.add(output);
  await transcript.seal();
  const delivery = await message.finish(runView(ended(), transcript.view()));

  const replies = rig.playground.replies(channel, thread);
  expect(
    replies.map(
      (reply) => reply.files?.map((file) => ('name' in file ? file.name : '')) ?? reply.metadata?.event_type,
    ),
  ).toEqual(['sparkthread_answer', ['image-1.png', 'image-2.png'], 'sparkthread_table', ['output.html']]);
  expect(replies[2]?.blocks?.[0]).toMatchObject({
    type: 'data_table',
    rows: [
      [{ text: '\u00a0' }, { text: 'n' }],
      [{ text: '0' }, { text: '1' }],
    ],
  });
  expect(delivery).toMatchObject({
    files: [expect.any(String), expect.any(String), expect.any(String)],
    replies: [replies[2]?.ts],
  });
  expect(rig.playground.files[0]?.bytes.equals(Buffer.from(png, 'base64'))).toBe(true);
});

test('many pictures go up in several messages, in order', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  for (let n = 0; n < 23; n += 1)
    await transcript.add({ kind: 'display', data: { 'image/png': png }, metadata: {} });
  await transcript.seal();
  const delivery = await message.finish(runView(ended(), transcript.view()));
  const [, ...uploads] = rig.playground.replies(channel, thread);
  const names = uploads.map(({ files = [] }) => files.map((file) => ('name' in file ? file.name : '')));
  expect(names.map(({ length }) => length)).toEqual([10, 10, 3]);
  expect(names.flat()).toEqual(Array.from({ length: 23 }, (_, n) => `image-${n + 1}.png`));
  expect(delivery).toMatchObject({ files: { length: 23 } });
});

test('a table that Slack refuses in both forms is shown as text', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  await transcript.add({
    kind: 'result',
    data: { 'text/html': frame, 'text/plain': '   n\n0  1' },
    metadata: {},
  });
  await transcript.seal();
  const held = rig.playground.hold('chat.postMessage');
  const finishing = message.finish(runView(ended(), transcript.view()));
  await held.reached;
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'invalid_blocks' }, 2);
  held.release();
  await finishing;
  expect(rig.playground.replies(channel, thread)[1]?.blocks?.[0]).toMatchObject({ type: 'rich_text' });
});

const recorded = z.object({ outputs: z.array(z.custom<KernelOutput>()) });

test('a failed Spark job: the cause first, the log and the traceback in files', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const fixture = new URL('../fixtures/outputs/errors/pyspark35-udf-error.json', import.meta.url);
  for (const output of recorded.parse(JSON.parse(readFileSync(fixture, 'utf8'))).outputs)
    await transcript.add(output);
  await transcript.seal();
  await message.finish(runView(ended({ kind: 'raised' }), transcript.view()));
  const [reply] = rig.playground.replies(channel, thread);
  expect(reply?.text.slice(0, 300)).toMatch(
    /^ValueError: invalid literal for int\(\)[^]*line 4, in f: return int/,
  );
  expect(rig.playground.files.map(({ file }) => file.name)).toEqual(['output.txt', 'traceback.txt']);
});

test('a data frame that the kernel cut: rows and columns are counted as pandas counts them', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  const fixture = new URL('../fixtures/outputs/shown/python-dataframe-long.json', import.meta.url);
  for (const output of recorded.parse(JSON.parse(readFileSync(fixture, 'utf8'))).outputs)
    await transcript.add(output);
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  const [reply, table] = rig.playground.replies(channel, thread);
  expect(reply?.text).toContain('500 rows × 2 columns');
  expect(JSON.stringify(table?.blocks)).toContain(
    'First 5 and last 5 of 500 rows × 2 columns; the kernel left out the others',
  );
});

/** Slack shows a preview of files up to 1 MB. */
test.each([0, 1, 20_000, 999_999, 1_000_000, 1_000_001, 50_000_000])(
  '%i bytes of stdout: what does not fit is attached, byte for byte',
  async (bytes) => {
    await using rig = await startRig();
    const { message } = rig.open();
    const transcript = await rig.transcript();
    const line = `é${'x'.repeat(996)}\r\n`;
    const text = 'x'.repeat(bytes % 1000) + line.repeat(Math.floor(bytes / 1000));
    await transcript.add({ kind: 'stream', name: 'stdout', text });
    await transcript.seal();
    await message.finish(runView(ended(), transcript.view()));
    const files = rig.playground.files;
    if (bytes < 20_000) return expect(files).toEqual([]);
    expect(files.map(({ file }) => [file.name, file.size, file.mode])).toEqual([
      ['output.txt', bytes, bytes <= 1_000_000 ? 'snippet' : 'hosted'],
    ]);
    expect(files[0]?.bytes.equals(Buffer.from(text))).toBe(true);
  },
);

test('one file has all results that do not fit', async () => {
  await using rig = await startRig();
  const { message } = rig.open();
  const transcript = await rig.transcript();
  const results = Array.from({ length: 30 }, (_, n) => `result ${n} ${'x'.repeat(700)}`);
  for (const result of results)
    await transcript.add({ kind: 'result', data: { 'text/plain': result }, metadata: {} });
  await transcript.seal();
  await message.finish(runView(ended(), transcript.view()));
  expect(rig.playground.files.map(({ file }) => file.name)).toEqual(['results.txt']);
  expect(rig.playground.files[0]?.bytes.toString()).toBe(results.join('\n'));
});

test.each([40, 50, 120])(
  'a loop of %i rounds that prints and warns in turn gets its answer',
  async (rounds) => {
    await using rig = await startRig();
    const { message, channel, thread } = rig.open();
    const transcript = await rig.transcript();
    for (let n = 0; n < rounds; n += 1) {
      await transcript.add({ kind: 'stream', name: 'stdout', text: `row ${n} ${'o'.repeat(40)}\n` });
      await transcript.add({ kind: 'stream', name: 'stderr', text: `\r${n}%|█████     | ${n}/${rounds}` });
    }
    await transcript.seal();
    expect(await message.finish(runView(ended(), transcript.view()))).toMatchObject({ delivered: true });
    const [reply] = rig.playground.replies(channel, thread);
    expect(reply?.text).toContain('row 0');
    expect(rig.playground.callsOf('chat.postMessage')).toHaveLength(1);
    const isWhole = Array.from({ length: rounds }, (_, n) => `row ${n} `).every((row) =>
      JSON.stringify(reply?.blocks).includes(row),
    );
    expect(rig.playground.files.map(({ file }) => file.name)).toEqual(isWhole ? [] : ['output.txt']);
  },
);
