import { type Playground, startPlayground } from '../../../../playground/playground.ts';
import type { PlaygroundOptions } from '../../../../playground/settings.ts';
import { silentLog } from '../../../../src/log.ts';
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
  const { SLACK_BOT_TOKEN: token, SLACK_API_URL: slackApiUrl } = playground.environment;
  const now = Date.now;
  return {
    playground,
    sending: {
      client: new MessageClient({ token, slackApiUrl, log: silentLog }),
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
