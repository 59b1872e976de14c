import { expect, test, vi } from 'vitest';
import type { OutputView } from '../../../../src/output/output-view.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import { renderRunMessage } from '../../../../src/slack/blocks/run/run-message.ts';
import { EditLimiter, SLACK_EDITS } from '../../../../src/slack/messages/limiters.ts';
import { SlackRunMessage } from '../../../../src/slack/messages/run-message.ts';
import { ENDED, inNewThread, type MessagesRig, startMessagesRig } from './messages-rig.ts';

const unreadable: OutputView = {
  get parts(): never {
    throw new Error('the disk is gone');
  },
  textBytes: 0,
  spoolPath: undefined,
  limited: false,
  losses: [],
};

function open(rig: MessagesRig, onClosed = () => {}): SlackRunMessage {
  return new SlackRunMessage(rig.sending, inNewThread(rig), onClosed);
}

test('a run message that breaks gives back the edit that was left to its end, and says that it was not delivered', async () => {
  await using rig = await startMessagesRig();
  const limits = { ...SLACK_EDITS, edits: 2, endsShare: 0 };
  const edits = new EditLimiter(Date.now, { isFresh: true, limits });
  edits.open('other');
  let closed = 0;
  const message = open({ ...rig, sending: { ...rig.sending, edits } }, () => (closed += 1));
  expect(edits.take('other', 'live')).toBeGreaterThan(0);
  expect(await message.finish({ ...ENDED, output: unreadable })).toMatchObject({ delivered: false });
  expect(closed).toBe(1);
  expect(edits.take('other', 'live')).toBe(0);
});

test('a flood that changes nothing of what is shown is not drawn one by one', async () => {
  await using rig = await startMessagesRig();
  let drawn = 0;
  const counted: RunView = {
    ...ENDED,
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
  await message.finish(ENDED);
});

test('a picture is drawn once to see that it is another one and to send it', async () => {
  await using rig = await startMessagesRig();
  let drawn = 0;
  const counted = (phase: RunView['phase']): RunView => ({
    ...ENDED,
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
  await message.finish(ENDED);
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
  const result = await open(rig).finish({ ...ENDED, code });
  expect(result).toMatchObject({ delivered: true, files: [] });
  expect(playground.callsOf('files.getUploadURLExternal')).not.toEqual([]);
  expect(playground.callsOf('chat.delete')).toEqual([]);
});

test('the last picture before a shutdown is an edit or none: the live message stays', async () => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  const phase = { kind: 'running', sinceMs: Date.now(), stopping: false, stopIgnored: false } as const;
  const message = open(rig);
  message.show({ ...ENDED, phase });
  await playground.waitFor(() => playground.callsOf('chat.postMessage').length === 1);
  limitEdits(rig, 1_490);
  message.show({ ...ENDED, phase, notes: ['A later picture.'] });
  await message.release();
  expect(playground.callsOf('chat.delete')).toEqual([]);
});

/** Others have used all edits but those that are left to ends. */
function onlyEndsHaveEdits({ sending }: MessagesRig): EditLimiter {
  const limits = { ...SLACK_EDITS, edits: 20, gapMs: 0, apartMs: 0 };
  const edits = new EditLimiter(Date.now, { isFresh: true, limits });
  for (let nth = 0; nth < 10; nth += 1) edits.take(`other-${nth}`, 'live');
  sending.edits = edits;
  return edits;
}

const running = { kind: 'running', sinceMs: 0, stopping: false, stopIgnored: false } as const;
const outage = { code: 'unreachable', detail: 'It is away.', isCutOff: true, sent: 'yes' } as const;
const asked = { kind: 'inputAsked', sinceMs: 0, untilMs: 9e11, prompt: 'name?', password: false } as const;

test.each<[string, Partial<RunView>]>([
  ['a question of the code', { phase: asked }],
  ['a stop', { phase: { ...running, stopping: true } }],
  ['a stop without effect', { phase: { ...running, stopping: true, stopIgnored: true, ignoredAtMs: 1 } }],
  ['the gateway away', { phase: running, outage }],
])('%s is shown at once, also where others used all edits for their progress', async (_, news) => {
  await using rig = await startMessagesRig();
  const { playground } = rig;
  onlyEndsHaveEdits(rig);
  const message = open(rig);
  message.show({ ...ENDED, phase: running });
  await playground.waitFor(() => playground.callsOf('chat.postMessage').length === 1);
  message.show({ ...ENDED, phase: running, notes: ['Only progress.'] });
  await new Promise((resolve) => setImmediate(resolve));
  expect(playground.callsOf('chat.update')).toEqual([]);
  message.show({ ...ENDED, ...news });
  await playground.waitFor(() => playground.callsOf('chat.update').length === 1);
  message.show({ ...ENDED, ...news, notes: ['Progress again.'] });
  await message.finish(ENDED);
  expect(playground.callsOf('chat.update')).toHaveLength(2);
});
