import type { Keyv } from 'keyv';
import type { Config } from './config/config.ts';
import type { Gateway } from './gateway/gateway.ts';
import { kernelEnv } from './runs/session/kernel-env.ts';
import type { Log } from './log.ts';
import { claimAttempt, markFailed } from './runs/admission/claim-attempts.ts';
import { admitSnippet, type AdmitDeps, readLanguageContext } from './runs/admission/admit.ts';
import { answerQuestion } from './runs/session/ask-input.ts';
import { ChannelKernels } from './runs/session/channel-kernels.ts';
import { channelSettingsIn } from './runs/languages/channel-settings.ts';
import { mayTalkLate } from './runs/session/late-output.ts';
import { KernelControl } from './runs/session/control-kernel.ts';
import { IdleKernels } from './runs/session/idle-kernels.ts';
import { GatewayPatience } from './runs/session/gateway-patience.ts';
import { createDrafts } from './slack/api/views.ts';
import { startErasing } from './runs/history/erase-old-runs.ts';
import { startKernelspecCache } from './runs/languages/kernelspecs.ts';
import { type Displays, startDisplays } from './output/displays.ts';
import { openTranscript, type Transcript } from './output/transcript.ts';
import { replaceWaiting } from './runs/admission/replace-waiting.ts';
import type { Run, RunData } from './runs/run.ts';
import { Runs } from './runs/session/runs.ts';
import { shareWork, soleWork } from './runs/session/share-work.ts';
import { sweepSpool } from './runs/history/sweep-spool.ts';
import type { Bot } from './slack/context.ts';
import type { StartedSlack } from './slack/app.ts';
import type { Ledger } from './store/run-store.ts';

export interface HouseParts {
  config: Config;
  log: Log;
  gateway: Gateway;
  keyv: (namespace: string) => Keyv;
  ledger: Ledger<RunData>;
  /** Whether other processes work on the same store. */
  isShared: boolean;
  spoolDir: string;
  slack: StartedSlack;
}

export interface House {
  bot: Bot;
  /** Takes up what a predecessor left; gives how many runs that were. */
  open: () => Promise<number>;
  close: () => Promise<void>;
}

/** Builds what stands between Slack and the gateway: settings in, the bot that the doors talk to out. */
export function startHouse({
  config,
  log,
  gateway,
  keyv,
  ledger,
  isShared,
  spoolDir,
  slack,
}: HouseParts): House {
  const { perChannel: kernelsPerChannel } = config.kernels;
  const { runTimeoutMs, inputTimeoutMs, maxOutputBytes, queueLimit, userLimit } = config.runs;
  const { workspace } = slack;
  const sharing = isShared ? shareWork(ledger, log) : soleWork;
  const transcripts = new Set<Transcript>();
  const kernelspecs = startKernelspecCache(gateway, log);
  const channels = channelSettingsIn(keyv('channel'));
  const kernels = new ChannelKernels({
    gateway,
    keyv: keyv('kernel'),
    log,
    envFor: (owner) => kernelEnv(owner, config.kernels),
    onEvent(lane, event) {
      log.debug({ lane, event: event.kind }, 'kernel connection');
      if (event.kind === 'lateOutput') runs.takeLate(event.msgId, event.output);
    },
    onUsed: (record) => idle.watch(record),
    onDisconnected: (lane) => void runs.idle(lane),
  });
  /** What the runs of one kernel show, so that later ones can update it. */
  const shownIn = new Map<string, Displays>();
  const displaysOf = (lane: string): Displays => {
    const known = shownIn.get(lane) ?? startDisplays((runId) => runs.changedLate(runId));
    shownIn.set(lane, known);
    return known;
  };
  const runs: Runs = new Runs({
    workspace,
    ledger,
    leases: sharing.leases,
    announce: sharing.announce,
    kernels,
    patience: new GatewayPatience(gateway),
    kernelsPerChannel,
    runTimeoutMs,
    inputTimeoutMs,
    log,
    openAnswer: slack.openAnswer,
    postRoot: slack.postRoot,
    removeAnswer: slack.removeAnswer,
    removeBelongings: slack.removeBelongings,
    async openTranscript({ id: runId, lane }, recovered) {
      const displays = displaysOf(lane);
      const transcript = await openTranscript({
        dir: spoolDir,
        runId,
        maxOutputBytes,
        recovered,
        displays,
        onUnread: (error) => log.error({ err: error, run: runId }, 'an output could not be read'),
        onDiskFailure: (error) => log.error({ err: error, run: runId }, 'the disk takes no more output'),
      });
      transcripts.add(transcript);
      return transcript;
    },
    onRead: (transcript) => transcripts.delete(transcript),
    tellSwitched(run, change) {
      slack.tellSwitched(run, change);
      const { kernelspec } = run.data;
      channels
        .change(run.workspace, run.channel, { kernelspec })
        .catch((error: unknown) => log.error({ err: error, run: run.id }, 'the switch is not remembered'));
    },
  });
  const idle = new IdleKernels({
    kernels,
    leases: sharing.leases,
    isThere: async (kernelId) => (await gateway.findKernel(kernelId)) !== undefined,
    isBusy: async (lane) => (await ledger.lane(lane)).length > 0,
    threadOf: async (runId) => (await ledger.get(runId))?.thread,
    idleTimeoutMs: config.kernels.idleTimeoutMs,
    notices: slack.idleNotices,
    log,
  });
  const admitDeps: AdmitDeps = {
    ledger,
    kernelspecs,
    channels,
    kernels,
    limits: {
      aliases: config.runs.languages,
      defaultLanguage: config.runs.defaultLanguage,
      kernelsPerChannel,
      queueLimit,
      userLimit,
    },
  };
  const erasing = startErasing({ ledger, keepRunsMs: config.runs.keepRunsMs, log });
  // Asked for before the first snippet comes, so that it does not wait.
  kernelspecs
    .read()
    .catch((error: unknown) => log.warn({ err: error }, 'the gateway does not tell its kernelspecs'));

  const bot: Bot = {
    workspace,
    workspaceUrl: slack.workspaceUrl,
    userId: slack.botUserId,
    command: '/spark',
    policy: config.policy,
    autoRun: config.runs.autoRun,
    editWindowMs: config.runs.editWindowMs,
    users: slack.users,
    channels: slack.channels,
    drafts: createDrafts(keyv('draft')),
    notify: slack.notify,
    views: slack.views,
    memory: slack.memory,
    readFiles: slack.readFiles,
    channelSettings: channels,
    log,
    control: new KernelControl({
      gateway,
      ledger,
      kernels,
      channels,
      runs,
      pass: sharing.pass,
      kernelsPerChannel,
    }),
    languages: (channel) => readLanguageContext(workspace, channel, admitDeps),
    async languagesNow(channel) {
      await kernelspecs.refresh();
      return await readLanguageContext(workspace, channel, admitDeps);
    },
    async admit(request, signal) {
      const admitted = await admitSnippet(request, admitDeps, signal);
      if (admitted.kind !== 'accepted') return admitted;
      runs.wake(admitted.lane);
      sharing.announce(admitted.lane);
      return admitted;
    },
    async replaceWaiting(run, edit) {
      const changed = await replaceWaiting(run, edit, admitDeps);
      if (changed === undefined) return false;
      await runs.wishes.hear(changed.lane);
      for (const lane of new Set([run.lane, changed.lane])) {
        runs.wake(lane);
        sharing.announce(lane);
      }
      return true;
    },
    say: (run, note) => runs.wishes.say(run, note),
    async erase(run) {
      let each: Run | undefined = run;
      while (each !== undefined) {
        await runs.wishes.erase(each);
        each = each.data.follows === undefined ? undefined : await ledger.get(each.data.follows);
      }
    },
    claim: (request) => claimAttempt(ledger, request),
    unclaim: (request) => markFailed(ledger, request),
    isKnown: async (delivery) => (await ledger.findDelivery(delivery)) !== undefined,
    async runOf(delivery) {
      const runId = await ledger.findDelivery(delivery);
      return runId === undefined || runId === '' ? undefined : await ledger.get(runId);
    },
    keepKernel: (lane, kernelId) => idle.keep(lane, kernelId),
    findRun: (runId) => ledger.get(runId),
    threadRuns: (channel, thread) => ledger.thread(workspace, channel, thread, 200),
    channelRuns: (channel, limit) => ledger.channel(workspace, channel, limit),
    runnerRuns: (user, limit) => ledger.runner(workspace, user, limit),
  };
  return {
    bot,
    async open() {
      await sweepSpool(spoolDir, {
        readUnposted: () => ledger.unposted(),
        isStillWritten: async (runId) => isShared && mayTalkLate(await ledger.get(runId), Date.now()),
      });
      sharing.start({
        recover: () => runs.recover(),
        hear: (lane) => runs.wishes.hear(lane),
        answer: ({ runId, questionId, line }) => answerQuestion(runs.active(runId), questionId, line),
        letGo: (lane) => runs.letGo(lane),
      });
      await erasing.erase();
      await idle.watchAll(workspace);
      return await runs.recover();
    },
    async close() {
      sharing.stop();
      erasing.close();
      idle.close();
      kernelspecs.close();
      await runs.close();
      // What the sockets brought until now is kept; from here on the gateway keeps it for the next process.
      await kernels.close();
      await Promise.all([...transcripts].map((transcript) => transcript.seal()));
      await sharing.leases.close();
    },
  };
}
