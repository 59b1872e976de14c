import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { startPlayground } from '../../../../playground/playground.ts';
import { silentLog } from '../../../../src/log.ts';
import { type OutputPart, wholeText } from '../../../../src/output/output-view.ts';
import { type RunOutcome, syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunView } from '../../../../src/runs/run-view.ts';
import type { Run } from '../../../../src/runs/run.ts';
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
  marks.show({ runId: 'run-1', place, mark: { kind: 'message', ts } }, ended({ kind: 'kernelDied' }));
  await playground.waitFor(() => reactions()?.includes('x'));
  marks.show({ runId: 'run-1', place, mark: { kind: 'message', ts } }, ended({ kind }, 2));
  await playground.waitFor(() => reactions()?.join() === name);
});

test('edits change the reactions of many messages within the calls that Slack allows', async () => {
  await using rig = await startMessagesRig({ rates: { 'reactions.remove': 4 } });
  const { playground, channel } = rig;
  const marks = marksOf(rig);
  const edited = Array.from({ length: 4 }, (_, nth) => playground.as('ana').post('#data', `run ${nth}`));
  const showAll = async (view: RunView, name: string): Promise<void> => {
    for (const { ts } of edited)
      marks.show({ runId: 'run-1', place: { channel, thread: ts }, mark: { kind: 'message', ts } }, view);
    const isMarked = (ts: string) =>
      playground
        .thread(channel, ts)[0]
        ?.reactions?.map((each) => each.name)
        .join() === name;
    await playground.waitFor(() => edited.every(({ ts }) => isMarked(ts)));
  };
  await showAll(ended({ kind: 'raised' }), 'x');
  await showAll(ended({}, 2), 'white_check_mark');
  expect(playground.callsOf('reactions.remove')).toHaveLength(4);
});

test('with its answer goes the reaction, and no other; only on the message of a person, and of a run that ended', async () => {
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

test('the bot’s own root message says how it ended, and what came of it in one line', async () => {
  await using rig = await startMessagesRig();
  const { playground, channel, sending } = rig;
  const metadata = { event_type: 'sparkthread_root', event_payload: { run: 'run-1' } };
  const thread = await sending.client.post({ channel, thread: '' }, { text: 'root', blocks: [], metadata });
  const mark = { kind: 'root', language: 'python3', blocks: ['"\\'.repeat(50_000)] } as const;
  // An error in a notebook's cell that may have one is not what came of the run.
  const plain = { userLine: undefined, cause: undefined, isFolded: false, path: undefined, hint: undefined };
  const error: OutputPart = { ...plain, kind: 'error', headline: 'KeyError: 1', traceback: wholeText('') };
  const view = ended({}, 1, [error]);
  marksOf(rig).show({ runId: 'run-1', place: { channel, thread }, mark }, view);
  const root = await playground.waitFor(() => {
    const [message] = playground.thread(channel, thread);
    return (message?.blocks ?? []).length === 0 ? undefined : message;
  });
  expect(root.blocks?.at(-1)).toMatchObject({
    elements: [{ type: 'plain_text', text: 'Done · 4.3 s — <@U2> & 10 …' }],
  });
  expect(root.metadata?.event_type).toBe('sparkthread_root');
});

test('without the scope the reactions turn themselves off with one log line', async () => {
  await using rig = await startMessagesRig({ scopes: ['chat:write'] });
  const { playground, channel, sending } = rig;
  const said: unknown[] = [];
  const log = Object.assign(Object.create(sending.log), {
    warn: (...words: unknown[]) => said.push(words[0]),
  });
  const marks = new ResultMarks({ ...sending, log });
  const { ts } = playground.as('ana').post('#data', 'run this');
  const react = () =>
    marks.show({ runId: 'run-1', place: { channel, thread: ts }, mark: { kind: 'message', ts } }, ended({}));
  react();
  await expect.poll(() => said).toHaveLength(1);
  react();
  await playground.waitForQuiet();
  expect(said).toEqual([{ event: 'slack.reactions' }]);
  expect(playground.callsOf('reactions.add')).toHaveLength(1);
});
