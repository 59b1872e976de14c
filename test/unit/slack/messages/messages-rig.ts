import { type Playground, startPlayground } from '../../../../playground/playground.ts';
import type { PlaygroundOptions } from '../../../../playground/settings.ts';
import { silentLog } from '../../../../src/log.ts';
import { syntheticOutcome } from '../../../../src/runs/outcome.ts';
import type { RunMessageOptions, RunView } from '../../../../src/runs/run-view.ts';
import { MessageClient } from '../../../../src/slack/messages/client.ts';
import type { Sending } from '../../../../src/slack/messages/editable-message.ts';
import { CallLimiter, EditLimiter, LOOK_RATE, POST_RATE } from '../../../../src/slack/messages/limiters.ts';

export interface MessagesRig extends AsyncDisposable {
  playground: Playground;
  sending: Sending;
  channel: string;
}

/** What messages are sent with, on a local Slack. */
export async function startMessagesRig(options: PlaygroundOptions = {}): Promise<MessagesRig> {
  const playground = await startPlayground({ rates: false, ...options });
  const { SLACK_BOT_TOKEN: botToken, SLACK_API_URL: apiUrl } = playground.environment;
  const now = Date.now;
  return {
    playground,
    sending: {
      client: new MessageClient({ botToken, apiUrl, log: silentLog }),
      edits: new EditLimiter(now, { isFresh: true }),
      posts: new CallLimiter(now, POST_RATE),
      looks: new CallLimiter(now, LOOK_RATE),
      removes: new CallLimiter(now, LOOK_RATE),
      notifyAfterMs: Infinity,
      log: silentLog,
      now,
      lookAgainMs: 50,
    },
    channel: playground.channel('#data').id,
    [Symbol.asyncDispose]: () => playground.stop(),
  };
}

/** A run that has ended well and said nothing. */
export const ENDED: RunView = {
  runId: 'run-1',
  requester: 'U1',
  kernelspec: 'python3',
  phase: { kind: 'ended', outcome: syntheticOutcome('ok', 'python3') },
  output: undefined,
  notes: [],
  edition: 1,
  actions: [],
};

/** A run message in the thread of a message that ana has just posted. */
export function inNewThread({
  channel,
  playground,
}: Pick<MessagesRig, 'channel' | 'playground'>): RunMessageOptions {
  return {
    runId: 'run-1',
    requester: 'U1',
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
}
