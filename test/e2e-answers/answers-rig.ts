import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPlayground, type Playground } from '../../playground/playground.ts';
import type { PlaygroundOptions } from '../../playground/settings.ts';
import { silentLog } from '../../src/log.ts';
import type { OutputView } from '../../src/output/output-view.ts';
import { openTranscript } from '../../src/output/run-transcript.ts';
import type { Transcript } from '../../src/output/transcript.ts';
import type { RunOutcome } from '../../src/runs/outcome.ts';
import type { RunMessage, RunMessageOptions, RunPhase, RunView } from '../../src/runs/run-view.ts';
import {
  createRunMessages,
  type RunMessages,
  type RunMessagesOptions,
} from '../../src/slack/messages/run-messages.ts';

/** A local Slack, a bot's run messages on it, and a folder for output. Everything ends with the scope. */
export interface AnswersRig extends AsyncDisposable {
  playground: Playground;
  messages: RunMessages;
  transcript(runId?: string): Promise<Transcript>;
  /** Opens a run message in the thread of a message that ana posts. */
  open(options?: Partial<RunMessageOptions>): OpenedMessage;
}

interface OpenedMessage {
  message: RunMessage;
  channel: string;
  thread: string;
  posted: string[];
}

export async function startRig(
  options: { playground?: PlaygroundOptions; messages?: Partial<RunMessagesOptions> } = {},
): Promise<AnswersRig> {
  const playground = await startPlayground(options.playground);
  const dir = await mkdtemp(join(tmpdir(), 'answers-'));
  const messages = createRunMessages({
    botToken: playground.environment.SLACK_BOT_TOKEN,
    apiUrl: playground.environment.SLACK_API_URL,
    log: silentLog,
    isFresh: true,
    ...options.messages,
  });
  return {
    playground,
    messages,
    transcript: (runId = 'run-1') => openTranscript({ dir, runId, maxOutputBytes: 100_000_000 }),
    open(opened = {}) {
      const root = playground.as('ana').post(opened.channel ?? '#data', 'run this');
      const posted: string[] = [];
      const message = messages.open({
        runId: 'run-1',
        requester: playground.user('ana').id,
        createdAt: Date.now(),
        thread: root.ts,
        root: undefined,
        messageTs: undefined,
        predecessor: undefined,
        recovered: false,
        onThread: () => {},
        onPosted: (ts) => posted.push(ts),
        ...opened,
        channel: root.channel,
      });
      return { message, channel: root.channel, thread: opened.thread ?? root.ts, posted };
    },
    async [Symbol.asyncDispose]() {
      await messages.close();
      await playground.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export function ended(outcome: Partial<RunOutcome> = {}): RunPhase {
  return {
    kind: 'ended',
    outcome: {
      kind: 'ok',
      durationMs: 50,
      executionCount: 3,
      kernelspec: 'python3',
      variablesLost: false,
      possibleGap: false,
      ...outcome,
    },
  };
}

export function runView(phase: RunPhase, output?: OutputView, more: Partial<RunView> = {}): RunView {
  return {
    runId: 'run-1',
    requester: 'U1',
    kernelspec: 'python3',
    phase,
    output,
    notes: [],
    edition: 1,
    actions: [],
    ...more,
  };
}
