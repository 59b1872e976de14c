import { expect, test, vi } from 'vitest';
import type { OutputView } from '../../../../src/output/output-view.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { EditLimiter, SLACK_EDITS } from '../../../../src/slack/messages/limiters.ts';
import { SlackRunMessage } from '../../../../src/slack/messages/run-message.ts';
import { type MessagesRig, startMessagesRig } from './messages-rig.ts';

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
  spoolPath: undefined,
  limited: false,
  losses: [],
};

function open({ sending, channel, playground }: MessagesRig, onClosed = () => {}): SlackRunMessage {
  const options = {
    runId: 'run-1',
    requester: 'U1',
    workspace: 'T1',
    channel,
    createdAt: Date.now(),
    thread: playground.as('ana').post('#data', 'run this').ts,
    root: undefined,
    messageTs: undefined,
    predecessor: undefined,
    recovered: false,
    onThread: () => {},
    onPosted: () => {},
  };
  return new SlackRunMessage(sending, options, onClosed);
}

test('a run message that breaks gives back the edit that was left to its end, and says that it was not delivered', async () => {
  await using rig = await startMessagesRig();
  const limits = { ...SLACK_EDITS, edits: 2, endsShare: 0 };
  const edits = new EditLimiter(Date.now, { isFresh: true, limits });
  edits.open('other');
  let closed = 0;
  const message = open({ ...rig, sending: { ...rig.sending, edits } }, () => (closed += 1));
  expect(edits.take('other', 'live')).toBeGreaterThan(0);
  expect(await message.finish({ ...view, output: unreadable })).toMatchObject({ delivered: false });
  expect(closed).toBe(1);
  expect(edits.take('other', 'live')).toBe(0);
});

test('a flood that changes nothing of what is shown is not drawn one by one', async () => {
  await using rig = await startMessagesRig();
  let drawn = 0;
  const counted: RunView = {
    ...view,
    phase: { kind: 'waiting', ahead: 1 },
    get notes() {
      drawn += 1;
      return ['the same'];
    },
  };
  const message = open(rig);
  message.show(counted);
  await rig.playground.waitFor(() => rig.playground.callsOf('chat.postMessage')[0]);
  await new Promise(setImmediate);
  drawn = 0;
  for (let nth = 0; nth < 1_000; nth += 1) {
    message.show(counted);
    await new Promise(setImmediate);
  }
  expect(drawn).toBeLessThan(100);
  await message.finish(view);
});

test('a picture is drawn once to see that it is another one and to send it', async () => {
  await using rig = await startMessagesRig();
  let drawn = 0;
  const counted = (phase: RunView['phase']): RunView => ({
    ...view,
    phase,
    get actions() {
      drawn += 1;
      return [];
    },
  });
  const waiting = counted({ kind: 'waiting', ahead: 1 });
  renderRunMessage(waiting, 0);
  const once = drawn;
  const message = open(rig);
  message.show(waiting);
  await rig.playground.waitFor(() => rig.playground.callsOf('chat.postMessage')[0]);
  expect(drawn).toBe(2 * once);
  message.show(counted({ kind: 'waiting', ahead: 2 }));
  await rig.playground.waitFor(() => rig.playground.callsOf('chat.update')[0]);
  expect(drawn).toBe(3 * once);
  await message.finish(view);
});

/** From now on an edit would wait for 3 s, and asking for one takes `ms`. */
function limitEdits({ sending }: MessagesRig, ms: number): void {
  let nowMs = Date.now();
  sending.now = () => nowMs;
  vi.spyOn(sending.edits, 'take').mockImplementation(() => {
    nowMs += ms;
    return 3_000;
  });
}

test('an answer that stands is not taken away for the note that a file is missing', async () => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  limitEdits(rig, 59_990);
  playground.fail('files.getUploadURLExternal', { kind: 'error', error: 'invalid_arguments' }, Infinity);
  const code = { blocks: ['x'.repeat(20_000)], language: 'python3' };
  const result = await open(rig).finish({ ...view, code });
  expect(result).toMatchObject({ delivered: true, files: [] });
  expect(playground.callsOf('files.getUploadURLExternal')).not.toEqual([]);
  expect(playground.callsOf('chat.delete')).toEqual([]);
});

test('the last picture before a shutdown is an edit or none: the live message stays', async () => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  const phase = { kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false } as const;
  const message = open(rig);
  message.show({ ...view, phase });
  await playground.waitFor(() => playground.callsOf('chat.postMessage').length === 1);
  limitEdits(rig, 1_490);
  message.show({ ...view, phase, notes: ['A later picture.'] });
  await message.release();
  expect(playground.callsOf('chat.delete')).toEqual([]);
});
