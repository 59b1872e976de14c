/** A real Bolt app on a playground, as the tests here use it. */
import { App, HTTPReceiver, LogLevel } from '@slack/bolt';
import type { Logger } from '@slack/web-api';
import type { Playground } from '../../playground/playground.ts';

export type BoltApp = App;

/** What Slack's clients complain about is looked for in these tests, so they need not print it. */
export const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};

/** Started by {@link startSocketApp} after `listen` has set its listeners. */
export async function startSocketApp(
  playground: Playground,
  listen: (app: BoltApp) => void,
): Promise<BoltApp> {
  const { SLACK_API_URL, SLACK_BOT_TOKEN, SLACK_APP_TOKEN } = playground.environment;
  const app = new App({
    token: SLACK_BOT_TOKEN,
    appToken: SLACK_APP_TOKEN,
    socketMode: true,
    logger: silent,
    convoStore: false,
    clientOptions: { slackApiUrl: SLACK_API_URL },
    deferInitialization: true,
  });
  listen(app);
  await app.init();
  await app.start();
  return app;
}

export async function startHttpApp(
  playground: Playground,
  port: number,
  listen: (app: BoltApp) => void,
): Promise<BoltApp> {
  const receiver = new HTTPReceiver({
    signingSecret: playground.service.settings.signingSecret,
    logger: silent,
  });
  const app = new App({
    token: playground.environment.SLACK_BOT_TOKEN,
    receiver,
    logger: silent,
    convoStore: false,
    clientOptions: { slackApiUrl: playground.apiUrl },
    deferInitialization: true,
  });
  listen(app);
  await app.init();
  await receiver.start(port);
  return app;
}
