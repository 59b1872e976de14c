import type { App } from '@slack/bolt';
import type { FetchFunction } from '@slack/web-api';
import { ConfigError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PayloadCounts } from '../server/instrument.ts';
import { atMost } from '../waits.ts';
import { startupError } from './api/call-error.ts';
import { createChannels } from './api/conversations.ts';
import { createDownload, createFileReader } from './api/files.ts';
import { createKernelNotices } from './api/notify.ts';
import { createUsers } from './api/users.ts';
import { createViews } from './api/views.ts';
import { namedGroups, type PolicySettings } from './auth/policy.ts';
import { type Bot, createListenerMemory, type SlackSide } from './context.ts';
import { createThreads } from './exports/threads.ts';
import { registerListeners } from './listeners/register.ts';
import { createRunMessages } from './messages/run-messages.ts';
import { AckedAfterAcceptApp, type SlackTransport } from './transport/acked-after-accept-app.ts';
import { ChannelIds } from './transport/channel-ids.ts';
import { compareClocks } from './transport/compare-clocks.ts';
import { boltLogger, clientOptions, openClient, type SlackNetwork } from './transport/network.ts';
import { createSignedHttp } from './transport/signed-http.ts';
import { createSocketMode } from './transport/socket-mode.ts';

export interface SlackSettings {
  botToken: string;
  apiUrl: string | undefined;
  transport: { kind: 'socket'; appToken: string } | { kind: 'http'; signingSecret: string };
}

export interface StartSlackOptions {
  settings: SlackSettings;
  network: SlackNetwork;
  /** A run that took longer ends with a reply that mentions its requester; undefined: no run does. */
  notifyAfterMs: number | undefined;
  /** Whether the channel shows how runs ended. */
  marksResults: boolean;
  policy: PolicySettings;
  /** MAX_CODE. */
  maxCodeBytes: number;
  /** Counts what becomes of Slack's payloads. */
  counts: PayloadCounts;
  log: Log;
}

/** The side of Slack, once `auth.test` has succeeded. It receives no payload before `open`. */
export type StartedSlack = Awaited<ReturnType<typeof startSlack>>;

/** A repetition would come too late: a trigger_id expires after 3 s. */
const VIEW_LIMITS = { timeout: 5_000, retryConfig: { retries: 0 } };

/** How long open requests may take to be answered before the connection closes: a part of what a handover may take. */
const ANSWERED_MS = 1_000;

/** Checks the bot token with Slack. Throws `ConfigError` if it is refused, another error if Slack does not answer. */
export async function startSlack(options: StartSlackOptions) {
  const { settings, network, policy, notifyAfterMs, marksResults, maxCodeBytes, log } = options;
  const { botToken: token, apiUrl } = settings;
  const channelIds = new ChannelIds();
  const fetch = channelIds.translate(network.call);
  const { app, transport } = openSlackApp(
    options,
    compareClocks(fetch, (difference) => {
      if (difference !== undefined) log.warn({ event: 'clock.differs' }, difference);
    }),
    channelIds,
  );
  const lookups = openClient(settings, log, { fetch, isUrgent: true });
  const { team_id: workspace, user_id: userId, url: workspaceUrl } = await askWhoWeAre(app, token);
  if (workspace === undefined || userId === undefined || workspaceUrl === undefined)
    throw new ConfigError(['SLACK_BOT_TOKEN belongs to no bot user.']);
  const runMessages = createRunMessages({
    botToken: token,
    apiUrl,
    notifyAfterMs,
    marksResults,
    log,
    fetch,
    transfer: network.fetch,
  });
  const { client, notify } = runMessages.client;
  const download = createDownload(token, apiUrl, network.fetch);
  const side: SlackSide = {
    workspace,
    workspaceUrl,
    userId,
    policy: {
      ...policy,
      get allowedChannels() {
        return policy.allowedChannels?.map((id) => channelIds.first(id));
      },
    },
    channelIds,
    notify,
    memory: createListenerMemory(),
    views: createViews(openClient(settings, log, { fetch, isUrgent: true, ...VIEW_LIMITS }), log),
    readFiles: createFileReader({
      maxCodeBytes,
      download,
      askFile: async (file) => (await lookups.files.info({ file })).file,
    }),
    users: createUsers({ client: lookups, workspace, groups: namedGroups(policy), log }),
    channels: createChannels(lookups, log),
    threads: createThreads(runMessages.client, download),
  };
  return {
    side,
    runMessages,
    health: transport.health,
    /** Whether this process reaches Slack. */
    reaches: (): Promise<boolean> =>
      app.client.auth.test({ token }).then(
        () => true,
        () => false,
      ),
    /** Signed HTTP only: the handler of `POST /slack/events`. */
    requests: transport.requests,
    kernelNotices: createKernelNotices(client, notify),
    /** Registers the listeners and starts to receive payloads. Throws `ConfigError` if Slack refuses the app token. */
    open: async (bot: Bot): Promise<void> => {
      registerListeners(app, bot);
      await transport.open(app);
    },
    /** Waits until open requests are answered, then stops receiving payloads. */
    stopListening: async (): Promise<void> => {
      await atMost(app.untilAnswered(), ANSWERED_MS);
      await transport.close();
    },
  };
}

/** The Bolt app and its transport, which connects nothing before its `open`. */
function openSlackApp(
  { settings, network, counts, log }: StartSlackOptions,
  fetch: FetchFunction,
  channelIds: ChannelIds,
): { app: AckedAfterAcceptApp; transport: SlackTransport } {
  const { botToken: token, apiUrl, transport: by } = settings;
  const { socketDispatcher: dispatcher } = network;
  const logger = boltLogger(log);
  const transport =
    by.kind === 'socket'
      ? createSocketMode({ appToken: by.appToken, apiUrl, fetch, dispatcher, logger })
      : createSignedHttp({
          signingSecret: by.signingSecret,
          askSlack: () => app.client.auth.test({ token }),
          logger,
        });
  const app: AckedAfterAcceptApp = new AckedAfterAcceptApp(
    {
      token,
      receiver: transport.receiver,
      clientOptions: clientOptions(apiUrl, fetch),
      logger,
      convoStore: false,
      ignoreSelf: true,
      deferInitialization: true,
    },
    counts,
    channelIds,
  );
  return { app, transport };
}

async function askWhoWeAre(app: App, token: string) {
  try {
    await app.init();
    return await app.client.auth.test({ token });
  } catch (error) {
    throw startupError(error);
  }
}
