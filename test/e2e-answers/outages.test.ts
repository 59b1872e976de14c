import { expect, test } from 'vitest';
import { ended, runView, startRig } from './answers-rig.ts';

const running = () => runView({ kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false });

const root = {
  runId: 'run-1',
  workspace: 'T1',
  runner: 'U1',
  language: 'python3',
  blocks: ['1+1'],
  recovered: false,
};

test('Slack away at the end: nobody is told that it was not delivered, and the answer stands when Slack is back', async () => {
  await using rig = await startRig();
  rig.playground.fail('*', { kind: 'dropped' }, Infinity);
  const { answer, channel, thread } = rig.open();
  const finished = answer.finish(runView(ended()));
  await rig.playground.waitFor(() => rig.playground.calls.length >= 3);
  rig.playground.clearFaults();
  expect(await finished).toMatchObject({ delivered: true });
  expect(rig.playground.replies(channel, thread)).toHaveLength(1);
  expect(rig.playground.callsOf('chat.postEphemeral')).toEqual([]);
});

test('let go while Slack is away: left to a successor, nobody is told', async () => {
  await using rig = await startRig();
  rig.playground.fail('*', { kind: 'dropped' }, Infinity);
  const { answer } = rig.open();
  const finished = answer.finish(runView(ended()));
  await rig.playground.waitFor(() => rig.playground.callsOf('chat.postMessage').length >= 1);
  await answer.release();
  expect(await finished).toMatchObject({ delivered: false, isRefused: false });
  expect(rig.playground.callsOf('chat.postEphemeral')).toEqual([]);
});

test('letting go does not wait for a Slack that does not answer', async () => {
  await using rig = await startRig({ answers: { timeoutMs: 60_000 } });
  const held = rig.playground.hold('chat.postMessage');
  const { answer } = rig.open();
  answer.show(running());
  await held.reached;
  await answer.release();
  expect(rig.playground.callsOf('chat.postMessage').every((call) => call.status === undefined)).toBe(true);
  held.release();
});

test('a post that still waits for its turn when it is let go is not made', async () => {
  await using rig = await startRig({ playground: { rates: false } });
  const open = (nth: number) => rig.open({ runId: `run-${nth}` });
  const before = Array.from({ length: 9 }, (_, nth) => open(nth));
  const finished = before.map(({ answer }) => answer.finish(runView(ended())));
  const waiting = open(9);
  void waiting.answer.finish(runView(ended()));
  await waiting.answer.release();
  const after = open(10);
  await after.answer.finish(runView(ended()));
  await Promise.all(finished);
  expect(rig.playground.replies(waiting.channel, waiting.thread)).toEqual([]);
  expect(rig.playground.replies(after.channel, after.thread)).toHaveLength(1);
});

test('a look for the answer that is refused for its rate is repeated: nothing is posted without it', async () => {
  await using rig = await startRig();
  const first = rig.open();
  await first.answer.finish(runView(ended()));
  rig.playground.fail('conversations.replies', { kind: 'rateLimited', retryAfterS: 1 });
  const place = { workspace: 'T1', channel: first.channel, thread: first.thread };
  const { answer } = rig.open({ place, recovered: true });
  expect(await answer.finish(runView(ended()))).toMatchObject({ delivered: true });
  expect(rig.playground.replies(first.channel, first.thread)).toHaveLength(1);
});

test.each(['replyLost', 'dropped'] as const)('%s on a root message: one stands in the end', async (kind) => {
  await using rig = await startRig();
  const channel = rig.playground.channel('#data').id;
  rig.playground.fail('chat.postMessage', { kind });
  const createdAt = Date.now();
  const ts = await rig.answers.postRoot({ ...root, channel, createdAt }, new AbortController().signal);
  const roots = rig.playground
    .messages(channel)
    .filter((message) => message.metadata?.event_type === 'sparkthread_root');
  expect(roots.map((message) => message.ts)).toEqual([ts]);
});

test('a root message that Slack refuses: the runner is told', async () => {
  await using rig = await startRig();
  const ana = rig.playground.user('ana').id;
  rig.playground.fail('chat.postMessage', { kind: 'error', error: 'restricted_action' });
  const posting = rig.answers.postRoot(
    { ...root, runner: ana, channel: rig.playground.channel('#data').id, createdAt: Date.now() },
    new AbortController().signal,
  );
  await expect(posting).rejects.toThrow(/restricted_action/);
  expect(rig.playground.ephemerals('ana').at(-1)?.text).toContain('restricted_action');
});
