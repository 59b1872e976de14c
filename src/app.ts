import type { Audit } from './audit/audit.ts';
import type { Config } from './config/config.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Log } from './log.ts';
import { createNotebookStore } from './notebooks/model.ts';
import { roomOnDisk, SpoolBudget, sweepSpool } from './output/spool/spool.ts';
import { Admission } from './runs/admission/admission.ts';
import { KernelControl } from './runs/control.ts';
import { ChannelSettingsStore } from './runs/languages/channel-settings.ts';
import { startKernelspecCache } from './runs/languages/kernelspecs.ts';
import { createTranscripts } from './runs/notebook-run.ts';
import type { RunOutcome } from './runs/outcome.ts';
import { eraseOldRuns } from './runs/retention.ts';
import type { Run, RunData } from './runs/run.ts';
import { Runs } from './runs/runs.ts';
import { ChannelKernels } from './runs/session/channel-kernels.ts';
import { GatewayOutageWait } from './runs/session/kernel/gateway-outage.ts';
import { KernelRecords } from './runs/session/kernel/kernel-record.ts';
import { kernelEnv } from './runs/session/kernel/launch-kernel.ts';
import type { WriteGuard } from './runs/session/run/execute-run.ts';
import { FinalMessages } from './runs/session/run/final-message.ts';
import { SparkObserver } from './runs/session/spark-observer.ts';
import { retryStore } from './runs/session/store-writes.ts';
import { SavedSnippets } from './saved/saved-snippets.ts';
import { Scheduler } from './saved/schedules/scheduler.ts';
import { Schedules } from './saved/schedules/schedules.ts';
import { createDrafts } from './slack/api/views.ts';
import type { StartedSlack } from './slack/app.ts';
import type { Bot } from './slack/context.ts';
import { notifyScheduleNews, readScheduledEnd, startScheduled } from './slack/listeners/schedules.ts';
import type { Store } from './store/store.ts';

export interface AppParts {
  config: Config;
  log: Log;
  gateway: Gateway;
  store: Store<RunData>;
  spoolDir: string;
  slack: StartedSlack;
  guard: WriteGuard;
  audit: Audit;
  /** Called for each snippet that was not accepted. */
  onRefused: (error: unknown) => void;
  /** Called once for each run that has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
}

/** The part of the process that only the leader has: the bot that Slack's listeners call, and its runs. */
export type App = ReturnType<typeof createApp>;

/** Creates the parts and connects them. It holds no rule of its own. */
export function createApp(parts: AppParts) {
  const { config, log, store, spoolDir } = parts;
  const closing = new AbortController();
  const known = openKnown(parts, closing.signal);
  const spoolBudget = new SpoolBudget(config.spoolLimitBytes, () => roomOnDisk(spoolDir));
  const { kernels, runs } = createRuns(parts, known, spoolBudget, (run, outcome) => {
    parts.onEnded(run, outcome);
    scheduler.noteEnd(readScheduledEnd(run, outcome));
  });
  const bot = createBot(parts, known, kernels, runs);
  const scheduler = new Scheduler({
    schedules: known.schedules,
    start: (schedule, plannedAtMs, isLate) => startScheduled(schedule, plannedAtMs, isLate, bot),
    notify: (schedule, news) => notifyScheduleNews(schedule, news, bot),
    log,
  });
  return {
    bot,
    /** Reads the store and resumes the unfinished runs. Resolves with their number. */
    recover: async (): Promise<number> => {
      // A store that gives no answer in the middle of a takeover is asked again. One that refuses, such as a damaged file,
      // needs an operator, who would not notice a leader that waits for it.
      const read = <T>(work: () => Promise<T>): Promise<T> =>
        retryStore(work, closing.signal, log, ({ code }) => code !== 'refused');
      for (const one of listsOf(known)) await read(() => one.load());
      bot.channelIds.load(known.channels.moved(bot.workspace));
      const unposted = await read(() => store.runs.unposted());
      const stored = await read(() => known.kernels.readAll());
      await sweepSpool(spoolDir, new Set(unposted.map(({ id }) => id)));
      void eraseOldRuns(store.runs, config.runs.keepRunsMs, closing.signal, log);
      // The list is fetched before the first snippet arrives, so that the snippet need not wait for it.
      known.kernelspecs
        .read()
        .catch((error: unknown) =>
          log.warn(
            { event: 'gateway.kernelspecs', err: error },
            'the kernelspecs could not be read from the gateway',
          ),
        );
      const recovered = await runs.recover(unposted, stored);
      if (!closing.signal.aborted) scheduler.start();
      return recovered;
    },
    /** The current numbers, for metrics. */
    counts: () => ({ ...kernels.counts, spoolBytes: spoolBudget.usedBytes }),
    /** The store was emptied: writes back what is in memory. Rejects if it has to be tried again. */
    notifyLost: async (): Promise<void> => {
      kernels.notifyLost();
      for (const one of listsOf(known)) await one.storeAgain();
    },
    /** Ends the work of this process. Its successor resumes the unfinished runs. */
    close: async (): Promise<void> => {
      closing.abort();
      scheduler.close();
      await Promise.all([runs.close(), bot.admission.close()]);
    },
  };
}

type Known = ReturnType<typeof openKnown>;

/** Everything that is remembered beside runs. */
function openKnown({ config, log, gateway, store, slack }: AppParts, closing: AbortSignal) {
  const { workspace } = slack.side;
  return {
    kernelspecs: startKernelspecCache(gateway, closing, log),
    kernels: new KernelRecords(store.keyv('kernel'), gateway, closing, log),
    channels: new ChannelSettingsStore(store.keyv('channel')),
    saved: new SavedSnippets(store.keyv('saved'), store.keyv('savedCode'), workspace),
    schedules: new Schedules(store.keyv('schedule'), workspace),
    notebooks: createNotebookStore(store.keyv('notebook'), config.runs.keepRunsMs),
  };
}

/** The lists that are kept in memory as a whole. */
function listsOf({ channels, saved, schedules }: Known) {
  return [channels, saved, schedules];
}

/** Creates the runs and the kernels that they run on. */
function createRuns(
  parts: AppParts,
  { kernels: records, channels, notebooks }: Known,
  spoolBudget: SpoolBudget,
  onEnded: AppParts['onEnded'],
) {
  const { config, log, gateway, store, slack, guard } = parts;
  const { runTimeoutMs, inputTimeoutMs } = config.runs;
  const openTranscript = createTranscripts({
    notebooks,
    store: store.runs,
    spoolDir: parts.spoolDir,
    maxOutputBytes: config.runs.maxOutputBytes,
    budget: spoolBudget,
    readsConsoleBar: config.spark.progress !== 'off',
    log,
  });
  const finals = new FinalMessages({
    store: store.runs,
    removeMessage: slack.runMessages.remove,
    forgetNotebook: notebooks.forget,
    onPosted: (live) => kernels.remove(live),
    log,
  });
  const kernels = new ChannelKernels({
    gateway,
    records,
    envFor: (owner) => kernelEnv(owner, config.kernels),
    outage: new GatewayOutageWait(gateway),
    finals,
    openTranscript,
    onEnded,
    onSwitched(run, change) {
      slack.kernelNotices.switched(run, change);
      channels
        .change(run.workspace, run.channel, { kernelspec: run.data.kernelspec })
        .catch((error: unknown) =>
          log.error(
            { event: 'channel.language', err: error },
            'the channel’s new language could not be stored',
          ),
        );
    },
    notices: slack.kernelNotices.idle,
    log,
    several: config.kernels.several,
    runTimeoutMs,
    inputTimeoutMs,
    isDeactivated: async (requester) => (await slack.side.users.find(requester)).isDeactivated === true,
    guard,
    spark: new SparkObserver(config.spark, log),
    idleTimeoutMs: config.kernels.idleTimeoutMs,
  });
  const runs = new Runs({
    workspace: slack.side.workspace,
    store: store.runs,
    kernels,
    finals,
    openRunMessage: slack.runMessages.open,
    removeAttached: slack.runMessages.removeAttachments,
    removeMessage: slack.runMessages.remove,
    openTranscript,
    log,
  });
  return { kernels, runs };
}

/** Creates what Slack's listeners call. */
function createBot(parts: AppParts, known: Known, kernels: ChannelKernels, runs: Runs): Bot {
  const { config, log, gateway, store, slack, audit, onRefused } = parts;
  const { kernelspecs, channels, saved, schedules, notebooks } = known;
  const { workspace } = slack.side;
  const admission = new Admission({
    store: store.runs,
    kernelspecs,
    channels,
    kernels,
    gateway,
    notebooks,
    limits: config.runs,
    openRun: (run, code) => runs.open(run, code),
    log,
  });
  return {
    ...slack.side,
    autoRun: config.runs.autoRun,
    editWindowMs: config.runs.editWindowMs,
    drafts: createDrafts(store.keyv('draft')),
    channelSettings: channels,
    audit,
    saved,
    schedules,
    log,
    control: new KernelControl({ gateway, kernels, kernelspecs }),
    languages: (channel) => admission.languages(workspace, channel),
    async languagesNow(channel) {
      await kernelspecs.refresh();
      return await admission.languages(workspace, channel);
    },
    onRefused,
    admission,
    runs,
    untilPosted: async (runId) => await kernels.run(runId)?.posted,
    notebooks,
    markSeen: (requestKey) => store.runs.markSeen(requestKey, Date.now()),
    forgetSeen: (requestKey) => store.runs.forgetRequest(requestKey),
    isKnown: async (requestKey) => (await store.runs.findRequest(requestKey)) !== undefined,
    async runOf(requestKey) {
      const runId = await store.runs.findRequest(requestKey);
      return runId === undefined || runId === '' ? undefined : await runs.find(runId);
    },
  };
}
