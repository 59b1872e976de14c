import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Playground, startPlayground } from '../playground/playground.ts';
import { silentLog } from '../src/log.ts';
import { openTranscript } from '../src/output/run-transcript.ts';
import type { RunView } from '../src/runs/run-view.ts';
import { createRunMessages } from '../src/slack/messages/run-messages.ts';
import { quantile } from './gateway-setting.ts';
import { givenNumber } from './given-number.ts';

/**
 * Runs that end, one each second, beside others that go on printing, on the local Slack with Slack's rates: 50 edits a
 * minute in all. Prints how long after the end of its run a final answer stood, and how many were posted anew.
 *
 *   node bench/ends-beside-progress.ts [printing=20] [ends=120]
 */

const usage = 'node bench/ends-beside-progress.ts [printing=20] [ends=120]';
const printing = givenNumber(0, 20, usage);
const ends = givenNumber(1, 120, usage);

const LINE_MS = 100;
const LONGEST_ANSWER_MS = 180_000;
/** By then each has a live message. */
const RUN_MS = 5_000;
/** Slack takes a post a second and channel, and each of these runs posts at most twice. */
const CHANNELS = 10;

await using setting = await startAnswers();
const { playground, answer } = setting;
const stopAt = Date.now() + ends * 1000 + 2 * RUN_MS;
const others = Array.from({ length: printing }, (_, number) =>
  answer(playground.addChannel(`printing-${number}`).id, `printing-${number}`, stopAt),
);
const channels = Array.from({ length: CHANNELS }, (_, number) => playground.addChannel(`ends-${number}`).id);
const ended: Promise<number>[] = [];
for (let number = 0; number < ends; number += 1) {
  ended.push(answer(channels[number % CHANNELS] ?? '', `end-${number}`, Date.now() + RUN_MS));
  await delay(1_000);
}
const took = await Promise.all(ended);
await Promise.all(others);
const [p50, p99] = [0.5, 0.99].map((part) => `${Math.round(quantile(took, part))} ms`);
const refused = playground.calls.filter(({ status }) => status === 429).map(({ method }) => method);
console.log(
  `${ends} ends, one a second, beside ${printing} that print: final answer after p50 ${p50}, p99 ${p99}; ` +
    `${playground.callsOf('chat.delete').length} posted anew, ${playground.callsOf('chat.update').length} edits, ` +
    `refused for rate: ${refused.join(', ') || 'none'}`,
);

/** Run messages without runs, on a local Slack with Slack's rates. */
interface AnswersSetting extends AsyncDisposable {
  playground: Playground;
  /**
   * A run in a thread of its own that prints ten lines a second until `endAt` (ms since the epoch). Gives how many ms
   * passed from its end to its final answer.
   */
  answer: (channel: string, runId: string, endAt: number) => Promise<number>;
}

async function startAnswers(): Promise<AnswersSetting> {
  const slack = await startPlayground();
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-answers-'));
  const messages = createRunMessages({
    botToken: slack.environment.SLACK_BOT_TOKEN,
    apiUrl: slack.environment.SLACK_API_URL,
    log: silentLog,
  });
  return {
    playground: slack,
    async answer(channel, runId, endAt) {
      const root = slack.as('ana').post(channel, 'run this');
      const transcript = await openTranscript({ dir: folder, runId, maxOutputBytes: 100_000_000 });
      const sinceMs = Date.now();
      const message = messages.open({
        runId,
        requester: 'U1',
        channel,
        createdAt: sinceMs,
        thread: root.ts,
        root: undefined,
        messageTs: undefined,
        predecessor: undefined,
        recovered: false,
        onThread: () => {},
        onPosted: () => {},
      });
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
        await transcript.add({ kind: 'stream', name: 'stdout', text: `${runId} line ${line}\n` });
        message.show(picture({ kind: 'running', sinceMs, stopping: false, stopIgnored: false }));
        await delay(LINE_MS);
      }
      await transcript.seal();
      const endedAt = performance.now();
      const standing = slack.waitForReply(
        channel,
        root.ts,
        (reply) => reply.metadata?.event_payload['state'] === 'final',
        { timeoutMs: LONGEST_ANSWER_MS },
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
      const tookMs = performance.now() - endedAt;
      await finishing;
      return tookMs;
    },
    async [Symbol.asyncDispose]() {
      await messages.close();
      await slack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
