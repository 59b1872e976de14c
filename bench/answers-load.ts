/**
 * Many runs printing at once and ending in the same second, on the local Slack with Slack's rates:
 * `node bench/answers-load.ts [answers=20] [seconds=60]`. Prints how long each final answer took, edits and 429s.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPlayground } from '../playground/playground.ts';
import { silentLog } from '../src/log.ts';
import { openTranscript } from '../src/output/open-transcript.ts';
import type { RunView } from '../src/runs/run-view.ts';
import { createRunMessages } from '../src/slack/messages/run-messages.ts';
import { givenNumber } from './given-number.ts';

const usage = 'node bench/answers-load.ts [answers=20] [seconds=60]';
const count = givenNumber(0, 20, usage);
const seconds = givenNumber(1, 60, usage);

const playground = await startPlayground();
const dir = await mkdtemp(join(tmpdir(), 'answers-load-'));
const messages = createRunMessages({
  token: playground.environment.SLACK_BOT_TOKEN,
  slackApiUrl: playground.environment.SLACK_API_URL,
  log: silentLog,
});
const endAt = Date.now() + seconds * 1000;

async function runOne(number: number): Promise<number> {
  const channel = playground.addChannel(`load-${number}`);
  const root = playground.as('ana').post(channel.id, 'run this');
  const runId = `run-${number}`;
  const transcript = await openTranscript({ dir, runId, maxOutputBytes: 100_000_000 });
  const message = messages.open({
    runId,
    requester: 'U1',
    workspace: 'T1',
    channel: channel.id,
    createdAt: Date.now(),
    thread: root.ts,
    root: undefined,
    messageTs: undefined,
    predecessor: undefined,
    recovered: false,
    onThread: () => {},
    onPosted: () => {},
  });
  const sinceMs = Date.now();
  const picture = (phase: RunView['phase']): RunView => ({
    runId,
    requester: 'U1',
    kernelspec: 'python3',
    phase,
    output: transcript.view(),
    notes: [],
    edition: 1,
    actions: ['stop'],
  });
  for (let line = 0; Date.now() < endAt; line += 1) {
    await transcript.add({ kind: 'stream', name: 'stdout', text: `cell ${number} line ${line}\n` });
    message.show(picture({ kind: 'running', sinceMs, stopping: false, stopIgnored: false }));
    await sleep(100);
  }
  await transcript.seal();
  const startedAt = performance.now();
  const standing = playground.waitForReply(
    channel.id,
    root.ts,
    (reply) => reply.metadata?.event_payload['state'] === 'final',
    { timeoutMs: 120_000 },
  );
  const finishing = message.finish(
    picture({
      kind: 'ended',
      outcome: {
        kind: 'ok',
        durationMs: Date.now() - sinceMs,
        kernelspec: 'python3',
        variablesLost: false,
        possibleGap: false,
      },
    }),
  );
  await standing;
  const tookMs = performance.now() - startedAt;
  await finishing;
  return tookMs;
}

const took = (await Promise.all(Array.from({ length: count }, (_, number) => runOne(number)))).toSorted(
  (a, b) => a - b,
);
const updates = playground.callsOf('chat.update');
const limited = playground.calls.filter((call) => call.status === 429);
console.log(
  JSON.stringify({
    answers: count,
    seconds,
    finalMs: { median: Math.round(took[Math.floor(count / 2)] ?? 0), max: Math.round(took.at(-1) ?? 0) },
    edits: updates.length,
    editsByAnswer: Array.from({ length: count }, (_, number) => {
      const channel = playground.channel(`load-${number}`).id;
      return updates.filter((call) => call.args['channel'] === channel).length;
    }),
    calls429: limited.map((call) => call.method),
  }),
);
await messages.close();
await playground.stop();
await rm(dir, { recursive: true, force: true });
