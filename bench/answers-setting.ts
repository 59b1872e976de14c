import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Playground, startPlayground } from '../playground/playground.ts';
import { silentLog } from '../src/log.ts';
import { openTranscript } from '../src/output/run-transcript.ts';
import type { RunView } from '../src/runs/run-view.ts';
import { createRunMessages } from '../src/slack/messages/run-messages.ts';

/** Run messages without runs, on a local Slack with Slack's rates. */
export interface AnswersSetting extends AsyncDisposable {
  playground: Playground;
  /**
   * A run in a thread of its own that prints ten lines a second until `endAt` (ms since the epoch). Gives how many ms
   * passed from its end to its final answer.
   */
  answer: (channel: string, runId: string, endAt: number) => Promise<number>;
}

const LINE_MS = 100;
const LONGEST_ANSWER_MS = 180_000;

export async function startAnswers(): Promise<AnswersSetting> {
  const playground = await startPlayground();
  const folder = await mkdtemp(join(tmpdir(), 'sparkthread-answers-'));
  const messages = createRunMessages({
    botToken: playground.environment.SLACK_BOT_TOKEN,
    apiUrl: playground.environment.SLACK_API_URL,
    log: silentLog,
  });
  return {
    playground,
    async answer(channel, runId, endAt) {
      const root = playground.as('ana').post(channel, 'run this');
      const transcript = await openTranscript({ dir: folder, runId, maxOutputBytes: 100_000_000 });
      const sinceMs = Date.now();
      const message = messages.open({
        runId,
        requester: 'U1',
        workspace: 'T1',
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
      const standing = playground.waitForReply(
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
      await playground.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
