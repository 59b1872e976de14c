import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../../playground/playground.ts';
import { silentLog } from '../../../../src/log.ts';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import { type RunOutcome, syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import type { Run } from '../../../../src/runs/run.ts';
import { EditLimiter } from '../../../../src/slack/messages/limiters.ts';
import { ResultMarks } from '../../../../src/slack/messages/result-marks.ts';
import { createRunMessages } from '../../../../src/slack/messages/run-messages.ts';
import { type MessagesRig, startMessagesRig } from './messages-rig.ts';

function ended(outcome: Partial<RunOutcome>, edition = 1, before: OutputPart[] = []): RunView {
  return {
    runId: 'run-1',
    requester: 'U1',
    kernelspec: 'python3',
    phase: {
      kind: 'ended',
      outcome: { ...syntheticOutcome('ok', 'python3'), durationMs: 4_300, ...outcome },
    },
    output: {
      parts: [
        ...before,
        { kind: 'text', source: 'result', text: wholeText('<@U2> & 10\nmore'), path: undefined },
      ],
      textBytes: 0,
      spoolPath: undefined,
      limited: false,
      losses: [],
    },
    notes: [],
    edition,
    actions: [],
  };
}

function marksOf({ sending }: MessagesRig): ResultMarks {
  const { client, edits, log, now } = sending;
  return new ResultMarks({ client, edits, log, now });
}

test.each([
  ['ok', 'white_check_mark'],
  ['raised', 'x'],
  ['interrupted', 'octagonal_sign'],
  ['unknown', 'grey_question'],
] as const)('%s is a reaction on the message of a person; an edit changes it', async (kind, name) => {
  await using rig = await startMessagesRig();
  const { playground, channel } = rig;
  const { ts } = playground.as('ana').post('#data', 'run this');
  const marks = marksOf(rig);
  const place = { channel, thread: ts };
  const reactions = () => playground.thread(channel, ts)[0]?.reactions?.map((each) => each.name);
  await marks.show({ runId: 'run-1', place, root: undefined, source: ts }, ended({ kind: 'kernelDied' }));
  expect(reactions()).toEqual(['x']);
  await marks.show({ runId: 'run-1', place, root: undefined, source: ts }, ended({ kind }, 2));
  expect(reactions()).toEqual([name]);
});

test('edits change the reactions of many messages within the calls that Slack allows', async () => {
  await using rig = await startMessagesRig({ rates: { 'reactions.remove': 4 } });
  const { playground, channel } = rig;
  const marks = marksOf(rig);
  const edited = Array.from({ length: 4 }, (_, nth) => playground.as('ana').post('#data', `run ${nth}`));
  const showAll = async (view: RunView, name: string): Promise<void> => {
    await Promise.all(
      edited.map(({ ts }) =>
        marks.show({ runId: 'run-1', place: { channel, thread: ts }, root: undefined, source: ts }, view),
      ),
    );
    for (const { ts } of edited)
      expect(playground.thread(channel, ts)[0]?.reactions?.map((each) => each.name)).toEqual([name]);
  };
  await showAll(ended({ kind: 'raised' }), 'x');
  await showAll(ended({}, 2), 'white_check_mark');
  expect(playground.callsOf('reactions.remove')).toHaveLength(4);
});

test('a reaction that Slack did not remove after an edit is removed after the next one, and with the answer', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel } = rig;
  const { ts } = playground.as('ana').post('#data', 'run this');
  const marks = marksOf(rig);
  const reactions = () => playground.thread(channel, ts)[0]?.reactions?.map((each) => each.name) ?? [];
  const showEnd = async (kind: RunOutcome['kind'], edition: number, shown: string): Promise<void> => {
    const run = { runId: 'run-1', place: { channel, thread: ts }, root: undefined, source: ts };
    await marks.show(run, ended({ kind }, edition));
    expect(reactions().join()).toBe(shown);
  };
  await showEnd('raised', 1, 'x');
  playground.fail('reactions.remove', { kind: 'error', error: 'internal_error' });
  await showEnd('ok', 2, 'x,white_check_mark');
  await showEnd('unknown', 3, 'grey_question');
  playground.fail('reactions.remove', { kind: 'status', status: 500 });
  await showEnd('ok', 4, 'grey_question,white_check_mark');
  await marks.remove(channel, ts, syntheticOutcome('ok', 'python3'));
  expect(reactions()).toEqual([]);
});

test('an answer that is removed while its reaction is on its way leaves none', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel } = rig;
  const { ts } = playground.as('ana').post('#data', 'run this');
  const marks = marksOf(rig);
  const adding = playground.hold('reactions.add');
  const run = { runId: 'run-1', place: { channel, thread: ts }, root: undefined, source: ts };
  const shown = marks.show(run, ended({}));
  await adding.reached;
  const removed = marks.remove(channel, ts, syntheticOutcome('ok', 'python3'));
  adding.release();
  await Promise.all([shown, removed]);
  expect(playground.thread(channel, ts)[0]?.reactions).toEqual([]);
});

test('the reaction is removed with its answer, and no other one; only from a person’s message, and for an ended run', async () => {
  await using playground = await startPlayground({ rates: false });
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = playground.environment;
  const { channel, ts } = playground.as('ana').post('#data', 'run this');
  const messages = createRunMessages({ botToken, apiUrl, log: silentLog, marksResults: true });
  const client = new WebClient(botToken, { slackApiUrl: apiUrl });
  for (const name of ['x', 'white_check_mark']) await client.reactions.add({ channel, timestamp: ts, name });
  const outcome = syntheticOutcome('ok', 'python3');
  const run = (data: Partial<Run['data']>) => ({ channel, data }) as Run;
  await messages.remove(run({ outcome }));
  await messages.remove(run({ message: `message/T1/${channel}/${ts}` }));
  await messages.remove(run({ message: `message/T1/${channel}/${ts}`, outcome }));
  const reactions = () => playground.thread(channel, ts)[0]?.reactions?.map((each) => each.name);
  await playground.waitFor(() => reactions()?.join() === 'x');
  expect(playground.callsOf('reactions.remove')).toHaveLength(1);
});

test('the bot’s root message says how it ended, with the result in one line', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel, sending } = rig;
  const metadata = { event_type: 'sparkthread_root', event_payload: { run: 'run-1' } };
  const thread = await sending.client.post({ channel, thread: '' }, { text: 'root', blocks: [], metadata });
  const root = { language: 'python3', blocks: ['"\\'.repeat(50_000)] } as const;
  // An error in a notebook's cell that may have one is not what came of the run.
  const plain = { userLine: undefined, cause: undefined, isFolded: false, path: undefined, hint: undefined };
  const error: OutputPart = { ...plain, kind: 'error', headline: 'KeyError: 1', traceback: wholeText('') };
  const view = ended({}, 1, [error]);
  await marksOf(rig).show({ runId: 'run-1', place: { channel, thread }, root }, view);
  const [shown] = playground.thread(channel, thread);
  expect(shown?.blocks?.at(-1)).toMatchObject({
    elements: [{ type: 'plain_text', text: 'Done · 4.3 s — <@U2> & 10 …' }],
  });
  expect(shown?.metadata?.event_type).toBe('sparkthread_root');
});

test('an edit of the root message that Slack takes frees the next edit, one that it rate-limits pauses all', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel, sending } = rig;
  const thread = await sending.client.post({ channel, thread: '' }, { text: 'root' });
  let nowMs = 0;
  // After a takeover each edit waits for Slack's answer to the one before.
  const edits = new EditLimiter(() => nowMs);
  const marks = new ResultMarks({ ...sending, edits });
  const root = { language: 'python3', blocks: ['1'] } as const;
  const showRoot = async (): Promise<void> => {
    nowMs += 100;
    await marks.show({ runId: 'run-1', place: { channel, thread }, root }, ended({}));
    nowMs += 100;
  };
  await showRoot();
  expect(edits.take('another', 'urgent')).toBe(0);
  edits.answered();
  nowMs += 200_000;
  playground.fail('chat.update', { kind: 'rateLimited', retryAfterS: 30 });
  await showRoot();
  expect(playground.callsOf('chat.update')).toHaveLength(2);
  expect(edits.take('another', 'urgent')).toBeGreaterThan(1_000);
});

test('without the scope reactions are turned off with one log line', async () => {
  await using rig = await startMessagesRig({ scopes: ['chat:write'] });
  const { playground, channel, sending } = rig;
  const said: unknown[] = [];
  const log = Object.assign(Object.create(sending.log), {
    warn: (...words: unknown[]) => said.push(words[0]),
  });
  const marks = new ResultMarks({ ...sending, log });
  const { ts } = playground.as('ana').post('#data', 'run this');
  const react = () =>
    marks.show({ runId: 'run-1', place: { channel, thread: ts }, root: undefined, source: ts }, ended({}));
  await react();
  await react();
  expect(said).toEqual([{ event: 'slack.reactions' }]);
  expect(playground.callsOf('reactions.add')).toHaveLength(1);
});
