import type { RequestListener } from 'node:http';
import type { FetchFunction } from '@slack/web-api';
import { ConfigError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { HealthCheck } from '../server/health.ts';
import type { IdleNotices } from '../runs/session/kernel/idle-kernel.ts';
import type { Run } from '../runs/run.ts';
import type { OpenRunMessage } from '../runs/run-view.ts';
import { createRunMessages } from './messages/run-messages.ts';
import { beginFailure } from './transport/startup-errors.ts';
import type { Bot } from './context.ts';
import { type Channels, startChannels } from './api/conversations.ts';
import { openClient, openSlackApp, type SlackSettings } from './transport/connect.ts';
import { hangDoors } from './listeners/register.ts';
import { startTurns, type Turns } from './listeners/keyed-mutex.ts';
import type { DurableApp } from './transport/acked-after-accept-app.ts';
import { idleNotices } from './api/idle-notices.ts';
import { escapeMrkdwn, mention } from './blocks/mrkdwn.ts';
import { type People, startPeople } from './api/users.ts';
import { namedGroups, type PolicySettings } from './auth/policy.ts';
import { fileReader, type ReadFiles } from './api/files.ts';
import { type RunMessageRemover, createRunMessageRemover } from './api/delete-run-message.ts';
import { startSurfaces, type Surfaces } from './api/views.ts';
import { startTell, type Tell } from './api/notify.ts';

export interface StartSlackOptions {
  settings: SlackSettings;
  /** What all calls to Slack go through; by default the process's own. */
  fetch?: FetchFunction | undefined;
  policy: PolicySettings;
  log: Log;
}

/** Slack's side, known and reachable, its doors still closed until `open`. */
export interface StartedSlack extends RunMessageRemover {
  workspace: string;
  /** `https://team.slack.com/`. */
  workspaceUrl: string;
  botUserId: string;
  surfaces: Surfaces;
  turns: Turns;
  readFiles: ReadFiles;
  people: People;
  channels: Channels;
  tell: Tell;
  openRunMessage: OpenRunMessage;
  tellSwitched: (run: Run, change: { from: string; by: string }) => void;
  idleNotices: IdleNotices;
  health: HealthCheck;
  /** Signed HTTP only: what takes `POST /slack/events`. */
  requests: RequestListener | undefined;
  /** Hangs the doors and begins to take deliveries. Throws `ConfigError` when Slack refuses the token for that. */
  open(bot: Bot): Promise<void>;
  /** Takes no further delivery. */
  close(): Promise<void>;
}

/** Asks Slack who we are. Throws `ConfigError` when it refuses the token, another error when it does not answer. */
export async function startSlack(options: StartSlackOptions): Promise<StartedSlack> {
  const { settings, fetch, policy, log } = options;
  const { app, link } = openSlackApp(settings, log, fetch);
  const lookups = openClient(settings, log, { fetch, isUrgent: true });
  const removals = openClient(settings, log, { fetch, isUrgent: false });
  const {
    team_id: workspace,
    user_id: botUserId,
    url: workspaceUrl,
  } = await askWhoWeAre(app, settings.botToken);
  if (workspace === undefined || botUserId === undefined || workspaceUrl === undefined)
    throw new ConfigError(['SLACK_BOT_TOKEN belongs to no bot user.']);
  const runMessages = createRunMessages({
    token: settings.botToken,
    log,
    ...(settings.apiUrl === undefined ? {} : { slackApiUrl: settings.apiUrl }),
    ...(fetch === undefined ? {} : { fetch }),
  });
  const tell = startTell(app.client, log);
  const { botToken: token, apiUrl } = settings;
  return {
    workspace,
    workspaceUrl,
    botUserId,
    tell,
    surfaces: startSurfaces({ token, apiUrl, fetch, log }),
    turns: startTurns(),
    readFiles: fileReader({
      token,
      apiUrl,
      askFile: async (file) => (await lookups.files.info({ file })).file,
    }),
    people: startPeople({ client: lookups, workspace, groups: namedGroups(policy), log }),
    channels: startChannels(lookups, log),
    openRunMessage: runMessages.open,
    health: link.health,
    requests: link.requests,
    ...createRunMessageRemover(removals, log),
    idleNotices: idleNotices(app.client, tell),
    tellSwitched(run, { from, by }) {
      const { kernelspec } = run.data;
      const text = `${mention(by)} switched the kernel from ${escapeMrkdwn(from)} to ${escapeMrkdwn(kernelspec)}; variables are gone.`;
      void tell.channel({ channel: run.channel }, text);
    },
    async open(bot) {
      hangDoors(app, bot);
      await link.open(app);
    },
    async close() {
      await link.close();
      await runMessages.close();
    },
  };
}

async function askWhoWeAre(app: DurableApp, token: string) {
  try {
    await app.init();
    return await app.client.auth.test({ token });
  } catch (error) {
    throw beginFailure(error);
  }
}
