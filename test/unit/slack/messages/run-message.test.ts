import { expect, test } from 'vitest';
import type { OutputView } from '../../../../src/output/output-view.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { EditLimiter, SLACK_EDITS } from '../../../../src/slack/messages/limiters.ts';
import { SlackRunMessage } from '../../../../src/slack/messages/run-message.ts';
import { startMessagesRig } from './messages-rig.ts';

const view: RunView = {
  runId: 'run-1',
  requester: 'U1',
  kernelspec: 'python3',
  phase: { kind: 'ended', outcome: syntheticOutcome('ok', 'python3') },
  output: undefined,
  notes: [],
  edition: 1,
  actions: [],
};
const unreadable: OutputView = {
  get parts(): never {
    throw new Error('the disk is gone');
  },
  textBytes: 0,
  textLines: 0,
  spoolPath: undefined,
  limited: false,
  losses: [],
};

test('a run message that breaks gives back the edit that was left to its end, and says that it was not delivered', async () => {
  await using rig = await startMessagesRig();
  const limits = { ...SLACK_EDITS, edits: 2, endsShare: 0 };
  const edits = new EditLimiter(Date.now, { isFresh: true, limits });
  edits.open('other');
  let closed = 0;
  const message = new SlackRunMessage(
    { ...rig.sending, edits },
    {
      runId: 'run-1',
      requester: 'U1',
      workspace: 'T1',
      channel: rig.channel,
      createdAt: Date.now(),
      thread: rig.playground.as('ana').post('#data', 'run this').ts,
      root: undefined,
      messageTs: undefined,
      predecessor: undefined,
      recovered: false,
      onThread: () => {},
      onPosted: () => {},
    },
    () => (closed += 1),
  );
  expect(edits.take('other', 'live')).toBeGreaterThan(0);
  expect(await message.finish({ ...view, output: unreadable })).toMatchObject({ delivered: false });
  expect(closed).toBe(1);
  expect(edits.take('other', 'live')).toBe(0);
});
