import type { Audit } from './audit/audit.ts';
import type { Config } from './config/config.ts';
import type { Gateway } from './gateway/gateway.ts';
import type { Log } from './log.ts';
import { type Displays, startDisplays, type Transcript } from './output/transcript.ts';
import { SpoolBudget, sweepSpool } from './output/spool/spool.ts';
import { openTranscript } from './output/run-transcript.ts';
import { Admission } from './runs/admission/admission.ts';
import { KernelControl } from './runs/control.ts';
import { ChannelSettingsStore } from './runs/languages/channel-settings.ts';
import { startKernelspecCache } from './runs/languages/kernelspecs.ts';
import { createNotebookStore } from './notebooks/notebook-store.ts';
import { withNotebook } from './runs/notebook-run.ts';
import type { RunOutcome } from './runs/outcome.ts';
import { startRetention } from './runs/retention.ts';
import type { Run, RunData } from './runs/run.ts';
import { Runs } from './runs/runs.ts';
import { ChannelKernels, type RunCounts } from './runs/session/channel-kernels.ts';
import { FinalMessages } from './runs/session/run/final-message.ts';
import { SparkObserver } from './runs/session/spark-observer.ts';
import { GatewayOutageWait } from './runs/session/kernel/gateway-outage.ts';
import { retryStore } from './runs/session/store-writes.ts';
import { KernelRecords } from './runs/session/kernel/kernel-record.ts';
import { kernelEnv } from './runs/session/kernel/launch-kernel.ts';
import { SavedSnippets } from './saved/saved-snippets.ts';
import { Scheduler } from './saved/schedules/scheduler.ts';
import { Schedules } from './saved/schedules/schedules.ts';
import { notifyScheduleNews, readScheduledEnd, startScheduled } from './slack/listeners/scheduled.ts';
import { createDrafts } from './slack/api/views.ts';
import type { WriteGuard } from './runs/session/run/execute-run.ts';
import type { Bot } from './slack/context.ts';
import type { StartedSlack } from './slack/app.ts';
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
  /** A snippet was not accepted. */
  onRefused: (error: unknown) => void;
  /** A run has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
}

/** What the leader does: the bot that Slack's listeners talk to, and its runs. */
export type App = ReturnType<typeof createApp>;

/** Composition: each part gets what it needs. No rule of the business is here. */
export function createApp(parts: AppParts) {
  const { config, log, gateway, store, spoolDir, slack, guard, audit, onRefused, onEnded } = parts;
  const { workspace } = slack.side;
  const { runTimeoutMs, inputTimeoutMs, maxOutputBytes, maxCodeBytes, queueLimit, userLimit } = config.runs;
  const kernelspecs = startKernelspecCache(gateway, log);
  const channels = new ChannelSettingsStore(store.keyv('channel'));
  const records = new KernelRecords(store.keyv('kernel'), gateway, log);
  const spoolBudget = new SpoolBudget(config.spoolLimitBytes);
  const notebooks = createNotebookStore(store.keyv('notebook'), config.runs.keepRunsMs);
  const openRunTranscript = async (
    run: Run,
    recovered: boolean,
    displays: Displays = startDisplays(() => undefined),
  ): Promise<Transcript> => {
    const place = { dir: spoolDir, runId: run.id, maxOutputBytes, budget: spoolBudget };
    const transcript = await openTranscript({
      ...place,
      recovered,
      displays,
      readsConsoleBar: config.spark.progress !== 'off',
      onUnread: (error) =>
        log.error({ event: 'output.unread', err: error, run: run.id }, 'an output could not be read'),
      onDiskFailure: (error) =>
        log.error({ event: 'spool.failed', err: error, run: run.id }, 'the disk takes no more output'),
    });
    const deps = { notebooks, store: store.runs, spoolDir, maxOutputBytes, budget: spoolBudget, log };
    return await withNotebook(transcript, run, recovered, deps);
  };
  const finals = new FinalMessages({
    store: store.runs,
    removeMessage: slack.removeRunMessage,
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
    openTranscript: openRunTranscript,
    onEnded(run, outcome) {
      onEnded(run, outcome);
      scheduler.noteEnd(readScheduledEnd(run, outcome));
    },
    onSwitched(run, change) {
      slack.notifySwitched(run, change);
      channels
        .change(run.workspace, run.channel, { kernelspec: run.data.kernelspec })
        .catch((error: unknown) =>
          log.error({ event: 'channel.language', err: error }, 'the switch is not remembered'),
        );
    },
    notices: slack.idleNotices,
    log,
    several: config.kernels.several,
    runTimeoutMs,
    inputTimeoutMs,
    sqlRows: config.runs.sqlRows,
    isDeactivated: async (requester) => (await slack.side.users.find(requester)).isDeactivated === true,
    guard,
    spark: new SparkObserver({ ...config.spark, sqlRows: config.runs.sqlRows }, log),
    idleTimeoutMs: config.kernels.idleTimeoutMs,
  });
  const runs = new Runs({
    workspace,
    store: store.runs,
    kernels,
    finals,
    openRunMessage: slack.openRunMessage,
    removeAttached: slack.removeAttachments,
    removeMessage: slack.removeRunMessage,
    openTranscript: openRunTranscript,
    log,
  });
  const admission = new Admission({
    store: store.runs,
    kernelspecs,
    channels,
    kernels,
    gateway,
    notebooks,
    limits: {
      aliases: config.runs.languages,
      defaultLanguage: config.runs.defaultLanguage,
      queueLimit,
      userLimit,
      maxCodeBytes,
      kernelsPerUser: config.kernels.perUser,
    },
    openRun: (run, code) => runs.open(run, code),
    log,
  });
  const saved = new SavedSnippets(store.keyv('saved'), store.keyv('savedCode'), workspace);
  const schedules = new Schedules(store.keyv('schedule'), workspace);
  const scheduler = new Scheduler({
    schedules,
    start: (schedule, plannedAtMs, isLate) => startScheduled(schedule, plannedAtMs, isLate, bot),
    notify: (schedule, news) => notifyScheduleNews(schedule, news, bot),
    log,
  });
  const control = new KernelControl({ gateway, kernels, kernelspecs });
  const closing = new AbortController();
  let retention: { close: () => void } | undefined;
  const bot: Bot = {
    ...slack.side,
    policy: config.policy,
    autoRun: config.runs.autoRun,
    editWindowMs: config.runs.editWindowMs,
    drafts: createDrafts(store.keyv('draft')),
    channelSettings: channels,
    audit,
    saved,
    schedules,
    log,
    control,
    languages: (channel) => admission.languages(workspace, channel),
    async languagesNow(channel) {
      await kernelspecs.refresh();
      return await admission.languages(workspace, channel);
    },
    onRefused,
    admit: (request, signal) => admission.submit(request, signal),
    replaceWaiting: (run, edit) => admission.replaceWaiting(run, edit),
    say: (run, note) => runs.say(run, note),
    erase: (run) => runs.erase(run),
    code: (run) => runs.code(run),
    notebook: (run) => notebooks.find(run.data.requestKey),
    untilPosted: async (runId) => await kernels.run(runId)?.posted,
    markSeen: (requestKey) => store.runs.markSeen(requestKey, Date.now()),
    forgetSeen: (requestKey) => store.runs.forgetRequest(requestKey),
    isKnown: async (requestKey) => (await store.runs.findRequest(requestKey)) !== undefined,
    async runOf(requestKey) {
      const runId = await store.runs.findRequest(requestKey);
      return runId === undefined || runId === '' ? undefined : await runs.find(runId);
    },
    findRun: (runId) => runs.find(runId),
    threadRuns: (channel, thread, limit = 200) =>
      runs.newest(store.runs.newest('thread', [workspace, channel, thread], limit)),
    channelRuns: (channel, limit) => runs.newest(store.runs.newest('channel', [workspace, channel], limit)),
    requesterRuns: (user, limit) => runs.newest(store.runs.newest('requester', [workspace, user], limit)),
  };
  return {
    bot,
    /** Reads what the store knows and resumes unfinished runs; gives how many those were. */
    recover: async (): Promise<number> => {
      // A store that breaks off in the middle of a takeover is waited for.
      const read = <T>(work: () => Promise<T>): Promise<T> => retryStore(work, closing.signal, log);
      await read(() => channels.load());
      await read(() => saved.load());
      await read(() => schedules.load());
      const unposted = await read(() => store.runs.unposted());
      const known = await read(() => records.readAll());
      await sweepSpool(spoolDir, new Set(unposted.map(({ id }) => id)));
      retention = startRetention({ store: store.runs, keepRunsMs: config.runs.keepRunsMs, log });
      // Asked for before the first snippet comes, so that it does not wait.
      kernelspecs
        .read()
        .catch((error: unknown) =>
          log.warn({ event: 'gateway.kernelspecs', err: error }, 'the gateway does not tell its kernelspecs'),
        );
      const recovered = await runs.recover(unposted, known);
      scheduler.start();
      return recovered;
    },
    /** For metrics. */
    counts: (): RunCounts & { spoolBytes: number } => ({
      ...kernels.counts,
      spoolBytes: spoolBudget.usedBytes,
    }),
    /** The store was emptied: what is in memory is written back. Rejects where that is to be tried again. */
    notifyLost: async (): Promise<void> => {
      kernels.notifyLost();
      for (const kept of [channels, saved, schedules]) await kept.storeAgain();
    },
    /** Leaves the runs in flight to a successor. */
    close: async (): Promise<void> => {
      closing.abort();
      scheduler.close();
      retention?.close();
      kernelspecs.close();
      await runs.close();
    },
  };
}
