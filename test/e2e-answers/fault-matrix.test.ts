import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Fault } from '../../playground/faults.ts';
import { ended, runView, startRig, type AnswersRig } from './answers-rig.ts';

/** Each call that an answer needs fails for a while, in each way that Slack fails: in the end everything is there once. */
const faults: [string, Fault, number][] = [
  ['429', { kind: 'rateLimited', retryAfterS: 1 }, 1],
  ['HTTP 500', { kind: 'status', status: 500 }, 2],
  ['an internal error', { kind: 'error', error: 'internal_error' }, 1],
  ['a cut connection', { kind: 'dropped' }, 1],
  ['a lost reply', { kind: 'replyLost' }, 1],
];
const on = (...methods: string[]): [string, string, Fault, number][] =>
  methods.flatMap((method) =>
    faults.map(([name, fault, times]): [string, string, Fault, number] => [name, method, fault, times]),
  );

const running = () => runView({ kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false });
const longText = 'long line\n'.repeat(5000);
const frame = '<table><tr><th>a</th></tr><tr><td>1</td></tr></table>';

async function kept(rig: AnswersRig, text: string) {
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'stream', name: 'stdout', text });
  return transcript;
}

test.concurrent.each(on('chat.update'))('%s on %s: the end stands, in one message', async (...given) => {
  const [, method, fault, times] = given;
  await using rig = await startRig();
  const { message, channel, thread, posted } = rig.open();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('Running'));
  const transcript = await kept(rig, 'hello\n');
  await transcript.seal();
  rig.playground.fail(method, fault, times);
  const delivery = await message.finish(runView(ended(), transcript.view()));
  const replies = rig.playground.replies(channel, thread);
  expect(replies).toHaveLength(1);
  expect(replies[0]?.text).toContain('hello');
  expect(replies[0]?.metadata?.event_payload).toMatchObject({ state: 'final' });
  expect(delivery).toMatchObject({ delivered: true, messageTs: posted[0] });
  expect(posted).toHaveLength(1);
});

test.concurrent.each(
  on('files.getUploadURLExternal', 'upload', 'files.completeUploadExternal', 'files.info'),
)('%s on %s: the file stands once, and nothing is said', async (...given) => {
  const [, method, fault, times] = given;
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await kept(rig, longText);
  await transcript.seal();
  rig.playground.fail(method, fault, times);
  const delivery = await message.finish(runView(ended(), transcript.view()));
  await rig.playground.waitForQuiet();
  const [reply, ...beside] = rig.playground.replies(channel, thread);
  expect(reply?.text).not.toContain('could not be attached');
  expect(beside.map(({ files }) => files?.map((file) => ('name' in file ? file.name : '')))).toEqual([
    ['output.txt'],
  ]);
  expect(delivery).toMatchObject({ delivered: true, files: [beside[0]?.files?.[0]?.id] });
});

test.concurrent('if Slack never says whether a file is in the thread, it is not uploaded again', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await kept(rig, longText);
  await transcript.seal();
  rig.playground.fail('files.info', { kind: 'status', status: 503 }, Infinity);
  const delivery = await message.finish(runView(ended(), transcript.view()));
  const [reply, ...beside] = rig.playground.replies(channel, thread);
  expect(reply?.text).not.toContain('could not be attached');
  expect(beside.map(({ files }) => files?.length)).toEqual([1]);
  expect(delivery).toMatchObject({ delivered: true, files: [beside[0]?.files?.[0]?.id] });
});

test.concurrent.each(on('chat.postMessage'))('%s on the table’s post: one table stands', async (...given) => {
  const [, method, fault, times] = given;
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'result', data: { 'text/html': frame, 'text/plain': 'a\n1' }, metadata: {} });
  await transcript.seal();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('Running'));
  rig.playground.fail(method, fault, times);
  const delivery = await message.finish(runView(ended(), transcript.view()));
  const [, ...beside] = rig.playground.replies(channel, thread);
  expect(beside.map(({ blocks }) => blocks?.[0]?.type)).toEqual(['data_table']);
  expect(delivery).toMatchObject({ delivered: true, replies: [beside[0]?.ts] });
});

test.concurrent.each([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'is_inactive',
  'block_mismatch',
  'streaming_state_conflict',
  'ekm_access_denied',
])('%s on an edit: the answer is posted again', async (error) => {
  await using rig = await startRig();
  const { message, channel, thread, posted } = rig.open();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('Running'));
  rig.playground.fail('chat.update', { kind: 'error', error });
  expect(await message.finish(runView(ended()))).toMatchObject({ delivered: true, messageTs: posted[1] });
});

test.concurrent.each([
  'is_archived',
  'not_in_channel',
  'channel_not_found',
  'restricted_action',
  'thread_locked',
])('%s while it runs: the requester is told the end privately, and the log has it', async (error) => {
  const lines: unknown[] = [];
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) });
  await using rig = await startRig({ messages: { log } });
  const { message, channel, thread } = rig.open();
  message.show(running());
  await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('Running'));
  rig.playground.fail('chat.update', { kind: 'error', error }, 9);
  rig.playground.fail('chat.postMessage', { kind: 'error', error });
  const transcript = await kept(rig, 'hello\n');
  await transcript.seal();
  const delivery = await message.finish(runView(ended(), transcript.view()));
  expect(delivery).toEqual({ delivered: false, reason: error, isRefused: true });
  const told = rig.playground.messages(rig.playground.dm('ana').id);
  expect(told.map(({ text }) => text).join()).toMatch(/could not be posted there[^]*hello/);
  expect(lines).toContainEqual(
    expect.objectContaining({
      run: 'run-1',
      reason: error,
      outcome: 'ok',
      msg: 'a run message could not be delivered',
    }),
  );
});

test.concurrent.each(['edit_window_closed', 'cant_update_message'])(
  '%s on every edit: one message while it runs, replaced at the end, and none for late output',
  async (error) => {
    await using rig = await startRig();
    const { message, channel, thread } = rig.open();
    message.show(running());
    await rig.playground.waitForReply(channel, thread, ({ text }) => text.includes('Running'));
    rig.playground.fail('chat.update', { kind: 'error', error }, Infinity);
    message.show(runView({ kind: 'running', sinceMs: Date.now(), stopping: true, stopIgnored: false }));
    await rig.playground.waitFor(() => rig.playground.callsOf('chat.update').length > 0);
    for (const word of ['one', 'two', 'three']) message.show({ ...running(), notes: [word] });
    expect(await message.finish(runView(ended()))).toMatchObject({ delivered: true });
    expect(rig.playground.replies(channel, thread)).toHaveLength(1);
    expect(rig.playground.callsOf('chat.update')).toHaveLength(2);
    await message.finish(runView(ended(), undefined, { notes: ['late'] }));
    expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  },
);

test('if Slack finds every message too long, the smallest is tried, then the requester gets it privately', async () => {
  await using rig = await startRig();
  const { message, channel, thread } = rig.open();
  const transcript = await kept(rig, 'x'.repeat(50_000));
  await transcript.seal();
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'msg_blocks_too_long' }, 3);
  const delivery = await message.finish(runView(ended(), transcript.view()));
  expect(delivery).toEqual({ delivered: false, reason: 'msg_blocks_too_long', isRefused: true });
  expect(rig.playground.replies(channel, thread)).toEqual([]);
  const posts = rig.playground.callsOf('chat.postMessage').filter(({ args }) => args['channel'] === channel);
  const sizes = posts.map(({ args }) => JSON.stringify(args['blocks']).length);
  expect(sizes).toHaveLength(3);
  expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => b - a));
  expect(JSON.stringify(posts.at(-1)?.args['blocks'])).toContain('The output does not fit into a message.');
  const told = rig.playground.messages(rig.playground.dm('ana').id);
  expect(told[0]?.text).toContain('could not be posted there (msg_blocks_too_long)');
});
