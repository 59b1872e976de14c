import { expect, test } from 'vitest';
import type { SlackMessage } from '../../playground/messages.ts';
import { ended, runView, startRig } from './answers-rig.ts';

const running = () => runView({ kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false });

const root = { language: 'python3', blocks: ['1+1'] };

test.concurrent('if Slack is away at the end, nobody is told of a failure, and the answer appears when Slack is back', async () => {
  await using rig = await startRig();
  rig.playground.fail('*', { kind: 'dropped' }, Infinity);
  const { message, channel, thread } = rig.open();
  const finished = message.finish(runView(ended()));
  await rig.playground.waitFor(() => rig.playground.calls.length >= 3);
  rig.playground.clearFaults();
  expect(await finished).toMatchObject({ delivered: true });
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  expect(rig.playground.callsOf('chat.postEphemeral')).toEqual([]);
});

test.concurrent('an answer that is released while Slack is away is left to a successor, and nobody is told of a failure', async () => {
  await using rig = await startRig();
  rig.playground.fail('*', { kind: 'dropped' }, Infinity);
  const { message } = rig.open();
  const finished = message.finish(runView(ended()));
  await rig.playground.waitFor(() => rig.playground.callsOf('chat.postMessage').length >= 1);
  await message.release();
  expect(await finished).toMatchObject({ delivered: false, isRefused: false });
  expect(rig.playground.callsOf('chat.postEphemeral')).toEqual([]);
});

test.concurrent('a release does not wait for a Slack that does not answer', async () => {
  await using rig = await startRig({ messages: { timeoutMs: 60_000 } });
  const held = rig.playground.hold('chat.postMessage');
  const { message } = rig.open();
  message.show(running());
  await held.reached;
  await message.release();
  expect(rig.playground.callsOf('chat.postMessage').every((call) => call.status === undefined)).toBe(true);
  held.release();
});

test.concurrent('a post that still waits for its turn at the release is not made', async () => {
  await using rig = await startRig({ playground: { rates: false } });
  const open = (nth: number) => rig.open({ runId: `run-${nth}` });
  const before = Array.from({ length: 9 }, (_, nth) => open(nth));
  const finished = before.map(({ message }) => message.finish(runView(ended())));
  const waiting = open(9);
  void waiting.message.finish(runView(ended()));
  await waiting.message.release();
  const after = open(10);
  await after.message.finish(runView(ended()));
  await Promise.all(finished);
  expect(rig.playground.replies(waiting.channel, waiting.thread)).toEqual([]);
  expect(rig.playground.replies(after.channel, after.thread)).toHaveLength(1);
});

test.concurrent('a search for the answer that Slack refuses for its rate is repeated, and nothing is posted before it succeeds', async () => {
  await using rig = await startRig();
  const first = rig.open();
  await first.message.finish(runView(ended()));
  rig.playground.fail('conversations.replies', { kind: 'rateLimited', retryAfterS: 1 });
  const { message } = rig.open({ thread: first.thread, recovered: true });
  expect(await message.finish(runView(ended()))).toMatchObject({ delivered: true });
  expect(rig.playground.replies(first.channel, first.thread)).toHaveLength(1);
});

const isRoot = (message: SlackMessage): boolean => message.metadata?.event_type === 'sparkthread_root';

test.concurrent.each(['replyLost', 'dropped'] as const)(
  '%s on a root message: in the end there is exactly one',
  async (kind) => {
    await using rig = await startRig();
    rig.playground.fail('chat.postMessage', { kind });
    const threads: string[] = [];
    const { message, channel } = rig.open({ thread: '', root, onThread: (thread) => threads.push(thread) });
    expect(await message.finish(runView(ended()))).toMatchObject({ delivered: true });
    const roots = rig.playground.messages(channel).filter(isRoot);
    expect(roots.map(({ ts }) => ts)).toEqual(threads);
    expect(rig.playground.replies(channel, threads[0] ?? '')).toHaveLength(1);
  },
);

test.concurrent('if Slack refuses the root message, the requester is told and gets the end by direct message', async () => {
  await using rig = await startRig();
  const error = 'restricted_action_thread_only_channel';
  rig.playground.fail('chat.postMessage', { kind: 'error', error });
  const { message } = rig.open({ thread: '', root });
  await rig.playground.waitFor(() => rig.playground.ephemerals('ana').length > 0);
  expect(rig.playground.ephemerals('ana').at(-1)?.text).toContain(error);
  const transcript = await rig.transcript();
  await transcript.add({ kind: 'stream', name: 'stdout', text: 'hello\n'.repeat(5_000) });
  await transcript.seal();
  const delivery = await message.finish(runView(ended(), transcript.view()));
  expect(delivery).toEqual({ delivered: false, reason: error, isRefused: true });
  const direct = rig.playground.messages(rig.playground.dm('ana').id);
  expect(direct[0]?.text).toMatch(/could not be posted there[^]*hello[^]*Done/);
  expect(JSON.stringify(direct.map(({ files }) => files))).toContain('output.txt');
});

test.concurrent('a root message that Slack finds too long is shortened', async () => {
  await using rig = await startRig();
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'msg_blocks_too_long' });
  const long = { language: 'python3', blocks: ['x = 1\n'.repeat(1_000)] };
  const { message, channel } = rig.open({ thread: '', root: long });
  expect(await message.finish(runView(ended()))).toMatchObject({ delivered: true });
  const posted = rig.playground.messages(channel).find(isRoot);
  expect(posted?.text).toContain('ran python3');
});

test.concurrent('a run that is withdrawn while its root message is being posted still learns where that is', async () => {
  await using rig = await startRig();
  const held = rig.playground.hold('chat.postMessage');
  const threads: string[] = [];
  const { message } = rig.open({ thread: '', root, onThread: (thread) => threads.push(thread) });
  await held.reached;
  const withdrawn = message.withdraw();
  held.release();
  await withdrawn;
  expect(threads).toHaveLength(1);
});

test.concurrent('after an edit the message of the run before is taken over once that has ended', async () => {
  await using rig = await startRig();
  const first = rig.open();
  const before = Promise.withResolvers<string | undefined>();
  const { message, posted } = rig.open({ runId: 'run-2', thread: first.thread, predecessor: before.promise });
  message.show({ ...running(), runId: 'run-2' });
  const delivery = await first.message.finish(runView(ended()));
  before.resolve(delivery.delivered ? delivery.messageTs : undefined);
  await rig.playground.waitForReply(first.channel, first.thread, ({ text }) => text.includes('Running'));
  expect(await message.finish({ ...runView(ended()), runId: 'run-2' })).toMatchObject({ delivered: true });
  expect(rig.playground.replies(first.channel, first.thread).map(({ ts }) => ts)).toEqual(posted);
});
