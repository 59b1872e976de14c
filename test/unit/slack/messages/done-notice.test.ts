import { expect, test } from 'vitest';
import { type RunOutcome, syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { SlackRunMessage } from '../../../../src/slack/messages/run-message.ts';
import { type MessagesRig, startMessagesRig } from './messages-rig.ts';

function ended(requester: string, outcome: Partial<RunOutcome>, more: Partial<RunView> = {}): RunView {
  return {
    ...more,
    runId: 'run-1',
    requester,
    kernelspec: 'python3',
    phase: { kind: 'ended', outcome: { ...syntheticOutcome('ok', 'python3'), ...outcome } },
    output: undefined,
    notes: [],
    edition: 1,
    actions: [],
  };
}

/** The run has ended like that; `recovered`: a process that died may have told it already. */
async function end(
  rig: MessagesRig,
  outcome: Partial<RunOutcome>,
  thread: string,
  recovered = false,
  more: Partial<RunView> = {},
) {
  const requester = rig.playground.user('ana').id;
  const options = { requester, channel: rig.channel, createdAt: Date.now(), thread };
  const message = new SlackRunMessage(
    { ...rig.sending, notifyAfterMs: 60_000 },
    {
      ...options,
      runId: 'run-1',
      root: undefined,
      messageTs: undefined,
      predecessor: undefined,
      recovered,
      onThread: () => {},
      onPosted: () => {},
    },
    () => {},
  );
  const result = await message.finish(ended(requester, outcome, more));
  const notices = rig.playground
    .replies(rig.channel, thread)
    .filter(({ metadata }) => metadata?.event_type === 'sparkthread_done');
  return { message, result, notices };
}

test.each([
  ['done in 12 min', { kind: 'ok', durationMs: 720_000 }],
  ['failed after 1 min 1 s', { kind: 'raised', durationMs: 61_000 }],
  ['stopped after 2 h', { kind: 'interrupted', durationMs: 7_200_000 }],
  ['end not known after 5 min', { kind: 'outputLost', durationMs: 300_000 }],
] satisfies [string, Partial<RunOutcome>][])('a long run is told once: %s', async (words, outcome) => {
  await using rig = await startMessagesRig();
  const thread = rig.playground.as('ana').post('#data', 'run this').ts;
  const { message, result, notices } = await end(rig, outcome, thread);
  expect(notices.map(({ text }) => text)).toEqual([`<@${rig.playground.user('ana').id}> ${words}`]);
  // It goes when the answer is deleted.
  expect(result).toMatchObject({ delivered: true, replies: [notices[0]?.ts] });
  await message.finish(ended(rig.playground.user('ana').id, outcome));
  expect((await end(rig, outcome, thread, true)).notices).toHaveLength(1);
});

test.each([
  ['a short run', { kind: 'ok', durationMs: 60_000 }],
  ['one that its requester took back', { kind: 'cancelled', durationMs: 0 }],
] satisfies [string, Partial<RunOutcome>][])('%s is not told', async (_, outcome) => {
  await using rig = await startMessagesRig();
  const thread = rig.playground.as('ana').post('#data', 'run this').ts;
  expect((await end(rig, outcome, thread)).notices).toEqual([]);
});

test('the maker is told of a scheduled run that failed, or that did not run and that nobody cancelled', async () => {
  await using rig = await startMessagesRig();
  const thread = rig.playground.as('ana').post('#data', 'run this').ts;
  const scheduled = { namesFailure: true } as const;
  const quick = await end(rig, { kind: 'raised', durationMs: 60 }, thread, false, scheduled);
  expect(quick.notices.map(({ text }) => text)).toEqual([expect.stringContaining('failed after 0.06 s')]);
  const next = rig.playground.as('ana').post('#data', 'run this, too').ts;
  const lapsed = await end(rig, { kind: 'cancelled' }, next, false, scheduled);
  expect(lapsed.notices.map(({ text }) => text)).toEqual([expect.stringContaining('failed after')]);
  const other = rig.playground.as('ana').post('#data', 'run that').ts;
  expect((await end(rig, { kind: 'cancelled', stoppedBy: 'U2' }, other, false, scheduled)).notices).toEqual(
    [],
  );
});
