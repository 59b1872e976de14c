import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGatewayClient } from '../../src/gateway/client.ts';
import type { HubSettings } from '../../src/gateway/gateway.ts';
import type { GatewayTimings } from '../../src/gateway/timings.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { createNotebookStore } from '../../src/notebooks/model.ts';
import { SpoolBudget, sweepSpool } from '../../src/output/spool/spool.ts';
import { startDisplays } from '../../src/output/transcript.ts';
import { Admission } from '../../src/runs/admission/admission.ts';
import type { SnippetRequest } from '../../src/runs/admission/new-run.ts';
import { KernelControl } from '../../src/runs/control.ts';
import { ChannelSettingsStore } from '../../src/runs/languages/channel-settings.ts';
import { startKernelspecCache } from '../../src/runs/languages/kernelspecs.ts';
import { createTranscripts } from '../../src/runs/notebook-run.ts';
import type { RunOutcome } from '../../src/runs/outcome.ts';
import type { FinishResult, OpenRunMessage, RunMessageOptions, RunView } from '../../src/runs/run-view.ts';
import { readRunData, type Run, type RunData } from '../../src/runs/run.ts';
import { Runs } from '../../src/runs/runs.ts';
import { ChannelKernels } from '../../src/runs/session/channel-kernels.ts';
import type { KernelSession } from '../../src/runs/session/kernel-session.ts';
import { GatewayOutageWait } from '../../src/runs/session/kernel/gateway-outage.ts';
import type { IdleNotices } from '../../src/runs/session/kernel/idle-kernel.ts';
import { KernelRecords } from '../../src/runs/session/kernel/kernel-record.ts';
import type { WriteGuard } from '../../src/runs/session/run/execute-run.ts';
import { FinalMessages } from '../../src/runs/session/run/final-message.ts';
import type { LiveRun } from '../../src/runs/session/run/live-run.ts';
import {
  SparkObserver,
  type SparkProgress,
  type SparkSettings,
} from '../../src/runs/session/spark-observer.ts';
import { openStore } from '../../src/store/open.ts';
import { summarizeCode } from '../../src/store/run-reader.ts';
import type { Store } from '../../src/store/store.ts';
import { pause } from '../../src/waits.ts';
import { quickTimings, settingsFor } from './gateway-client.ts';
import { type HeldKernels, holdKernels } from './held-kernels.ts';
import { type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';
import { silent, type StoreFaults, withFaults } from './store-faults.ts';

/** One process: the rooms runs/ and gateway/, with their own connection to the store. */
export interface RigProcess {
  /** How this process's steps in the store fail. */
  faults: StoreFaults;
  kernels: ChannelKernels;
  runs: Runs;
  records: KernelRecords;
  channels: ChannelSettingsStore;
  admission: Admission;
  control: KernelControl;
}

/** The rooms runs/, gateway/, output/ and store/ together, on a scripted gateway and a store in memory, without Slack. */
export interface SessionRig extends AsyncDisposable, RigProcess {
  gateway: ScriptedGateway;
  held: HeldKernels;
  store: Store<RunData>;
  /** Where the runs' output is on disk. */
  spoolDir: string;
  /** The same, and how much all runs together may have there. */
  spool: { dir: string; budget: SpoolBudget };
  /** Notices outside run messages: ends, switches, idle kernels, removed messages. */
  notices: string[];
  /** How each run message was opened, the newest for each run. */
  opened: Map<string, RunMessageOptions>;
  /** Slack's answer to a final message. By default it is posted at once. */
  onFinish: (view: RunView) => FinishResult | Promise<FinishResult>;
  /** Whether Slack has removed a run message. By default at once. */
  onRemove: () => boolean | Promise<boolean>;
  /** Whether the process is surely the leader. */
  isSure: () => boolean;
  /** Called before a run's output is opened. If it throws, the run breaks. */
  onTranscript: (runId: string) => void;
  /** Accepts a run of this code and gives it to its session. */
  submit(code: string, run?: SubmitOptions): Promise<LiveRun>;
  /** A request as a listener makes it. */
  request(code: string, more?: Partial<SnippetRequest> & { language?: string }): SnippetRequest;
  session(queue?: string): KernelSession;
  /** From now on new kernels let no websocket open before `letGo`. `opening` resolves with the first that is tried. */
  holdUpgrades(): { opening: Promise<unknown>; letGo: () => void };
  untilShown(live: Pick<LiveRun, 'id'>, fits: (view: RunView) => boolean): Promise<RunView>;
  untilEnded(live: Pick<LiveRun, 'id'>): Promise<RunOutcome>;
  /** The same, and posted, with the session at rest. */
  untilDone(live: LiveRun): Promise<RunOutcome>;
  views(live: Pick<LiveRun, 'id'>): readonly RunView[];
  /**
   * Another process takes over what the store has. This one ends, in order or at once, or goes on as after a standstill:
   * it may write nothing any more.
   */
  replace(how: 'closed' | 'killed' | 'replaced'): Promise<void>;
  /** Takes over as a successor would now; returns how many runs it resumed. */
  recover(): Promise<number>;
}

export type SubmitOptions = Omit<Partial<Run>, 'data'> & {
  kernelspec?: string;
  data?: Partial<RunData>;
  blocks?: string[];
};

export interface RigOptions {
  /** People whose accounts were deactivated. */
  deactivated?: string[];
  idleTimeoutMs?: number;
  several?: boolean;
  /** SPOOL_LIMIT in bytes. */
  spoolLimit?: number;
  warn?: IdleNotices['warn'];
  runTimeoutMs?: number;
  inputTimeoutMs?: number;
  queueLimit?: number;
  userLimit?: number;
  timings?: Partial<GatewayTimings>;
  launchTimeoutMs?: number;
  /** By default the bot puts nothing of its own into kernels. */
  spark?: SparkProgress;
  observer?: SparkObserver;
  log?: Log;
  /** The gateway is a server of this hub. */
  hub?: HubSettings;
}

const sparkSettings = (progress: SparkProgress): SparkSettings => ({
  progress,
  uiUrl: undefined,
  historyUrl: undefined,
  sqlRows: 1_000,
  resultRows: 0,
});

/** Puts nothing into kernels, because most tests count what their kernels are asked. */
class NothingPutIn extends SparkObserver {
  override async install(): Promise<void> {}
}

export async function startSessionRig(options: RigOptions = {}): Promise<SessionRig> {
  const { idleTimeoutMs, several = false, warn, runTimeoutMs, inputTimeoutMs = 60_000 } = options;
  const { queueLimit = 50, userLimit = 50, spoolLimit = Infinity } = options;
  const gateway = await startScriptedGateway();
  const held = holdKernels(gateway);
  const store = await openStore<RunData>({ url: 'memory:', log: silentLog, readData: readRunData });
  await store.lease.acquire(3_600_000);
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-rig-'));
  const spool = { dir, budget: new SpoolBudget(spoolLimit) };
  const shown = new Map<string, RunView[]>();
  const opened = new Map<string, RunMessageOptions>();
  const events = new EventEmitter().setMaxListeners(0);
  const notices: string[] = [];
  const messagesOf =
    (guard: WriteGuard): OpenRunMessage =>
    (given) => {
      const { runId, onPosted } = given;
      opened.set(runId, given);
      const views = shown.get(runId) ?? [];
      shown.set(runId, views);
      const show = (view: RunView): void => {
        views.push(view);
        events.emit('shown');
      };
      return {
        show,
        async finish(view) {
          await guard.whenSure();
          show(view);
          const result = await rig.onFinish(view);
          if (result.delivered && result.messageTs !== undefined) onPosted(result.messageTs);
          return result;
        },
        release: async () => {},
        withdraw: async () => {},
      };
    };
  const notebooks = createNotebookStore(store.keyv('notebook'), undefined);
  const opener =
    (log: Log) =>
    async (run: Run, recovered: boolean, displays = startDisplays(() => undefined)) => {
      rig.onTranscript(run.id);
      const { budget } = spool;
      const deps = { notebooks, store: store.runs, spoolDir: dir, maxOutputBytes: 1e6, budget, log };
      return await createTranscripts({ ...deps, readsConsoleBar: true })(run, recovered, displays);
    };
  const removeMessage = async (run: Run): Promise<boolean> => {
    const isGone = await rig.onRemove();
    if (isGone) notices.push(`removed ${run.data.preview}`);
    return isGone;
  };

  const startProcess = (): RigProcess & { end: () => Promise<void>; lose: () => void; mute: () => void } => {
    const log = (options.log ?? silentLog).child({});
    const open = opener(log);
    const timings = { ...quickTimings, ...options.timings };
    let isReplaced = false;
    const guard: WriteGuard = {
      mayWrite: () => !isReplaced && rig.isSure(),
      async whenSure(signal = new AbortController().signal) {
        while (!guard.mayWrite() && !signal.aborted) await pause(5, signal);
        signal.throwIfAborted();
      },
    };
    const client = createGatewayClient(
      settingsFor(gateway, { hub: options.hub, launchTimeoutMs: options.launchTimeoutMs ?? 20_000 }),
      { log, timings, mayWrite: () => guard.mayWrite() },
    );
    const { store: faulty, faults } = withFaults(store);
    const finals = new FinalMessages({
      store: faulty.runs,
      removeMessage,
      forgetNotebook: notebooks.forget,
      onPosted: (live) => kernels.remove(live),
      log,
    });
    const closing = new AbortController();
    const records = new KernelRecords(faulty.keyv('kernel'), client, closing.signal, log);
    const channels = new ChannelSettingsStore(faulty.keyv('channel'));
    const kernels: ChannelKernels = new ChannelKernels({
      gateway: client,
      records,
      envFor: () => ({}),
      outage: new GatewayOutageWait(client),
      finals,
      openTranscript: open,
      onEnded: (run, { kind }) => void notices.push(`ended ${run.data.preview} ${kind}`),
      onSwitched: (run, { from }) => void notices.push(`switched ${from} ${run.data.kernelspec}`),
      notices: {
        warn:
          warn ??
          (async ({ kernelspec }) => {
            notices.push(`warned ${kernelspec}`);
            return async (isUsed) => void notices.push(isUsed ? 'used again' : 'settled');
          }),
        ended: async ({ kernelspec }) => void notices.push(`idle ${kernelspec}`),
      },
      log,
      several,
      runTimeoutMs,
      inputTimeoutMs,
      spark:
        options.observer ??
        (options.spark === undefined
          ? new NothingPutIn(sparkSettings('console'), log)
          : new SparkObserver(sparkSettings(options.spark), log)),
      isDeactivated: async (requester) => options.deactivated?.includes(requester) === true,
      guard,
      idleTimeoutMs,
    });
    const runs = new Runs({
      workspace: 'T1',
      store: faulty.runs,
      kernels,
      finals,
      openRunMessage: messagesOf(guard),
      removeAttached: async (run) => void notices.push(`detached ${run.data.preview}`),
      removeMessage,
      openTranscript: open,
      log,
    });
    const kernelspecs = startKernelspecCache(client, closing.signal, log);
    const admission = new Admission({
      store: faulty.runs,
      gateway: client,
      kernelspecs,
      channels,
      kernels,
      notebooks: createNotebookStore(faulty.keyv('notebook'), undefined),
      limits: {
        aliases: {},
        defaultLanguage: 'python3',
        queueLimit,
        userLimit,
        maxCodeBytes: 1e6,
        kernelsPerUser: undefined,
      },
      openRun: (run, code) => runs.open(run, code),
      log,
    });
    const control = new KernelControl({ gateway: client, kernels, kernelspecs });
    return {
      faults,
      kernels,
      runs,
      records,
      channels,
      admission,
      control,
      lose: () => void (isReplaced = true),
      mute: () => void (log.level = 'silent'),
      async end() {
        closing.abort();
        await Promise.all([runs.close(), admission.close()]);
        await client.close();
      },
    };
  };

  let current = startProcess();
  /** The ends of the processes that were replaced while they went on. */
  const replaced: (() => Promise<void>)[] = [];
  let count = 0;
  const rig: SessionRig = {
    ...current,
    gateway,
    held,
    store,
    spoolDir: dir,
    spool,
    notices,
    opened,
    isSure: () => true,
    onTranscript: () => undefined,
    onRemove: () => true,
    onFinish: () => ({ delivered: true, messageTs: '2.0' }),
    async submit(code, { kernelspec = 'python3', data: more = {}, blocks = [code], ...fields } = {}) {
      count += 1;
      const data: RunData = {
        source: 'mention',
        kernelspec,
        ...summarizeCode(blocks),
        requestKey: `request/${count}`,
        edition: 1,
        needsRoot: false,
        block: 0,
        notes: [],
        ...more,
      };
      const run = {
        id: `run-${count}`,
        workspace: 'T1',
        channel: 'C1',
        thread: `${count}.0`,
        queue: rig.kernels.queueOf('T1', 'C1', kernelspec),
        requester: 'U1',
        createdAt: Date.now(),
        ...fields,
        data,
      };
      const accepted = await store.runs.accept(data.requestKey, { ...run, code: blocks });
      if (accepted.kind !== 'accepted') throw new Error('a duplicate');
      const record: Run = { ...run, state: 'waiting', order: accepted.order, updatedAt: run.createdAt };
      const live = rig.runs.open(record, blocks);
      rig.kernels.add(live);
      return live;
    },
    request(code, { language, ...more } = {}) {
      count += 1;
      return {
        requestKey: `request/${count}`,
        source: 'mention',
        workspace: 'T1',
        channel: 'C1',
        thread: `${count}.0`,
        requester: 'U1',
        snippet: { language, blocks: [code] },
        ...more,
      };
    },
    session: (queue = 'T1/C1') => rig.kernels.session({ queue, workspace: 'T1', channel: 'C1' }),
    holdUpgrades() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { onStart } = gateway;
      gateway.onStart = (kernel, call) => {
        onStart(kernel, call);
        kernel.upgradable = promise;
      };
      return { opening: gateway.untilCall(({ isUpgrade }) => isUpgrade), letGo: resolve };
    },
    async untilShown({ id }, fits) {
      for (;;) {
        const found = shown.get(id)?.find(fits);
        if (found !== undefined) return found;
        await once(events, 'shown');
      }
    },
    async untilEnded(live) {
      const { phase } = await rig.untilShown(live, (view) => view.phase.kind === 'ended');
      return phase.kind === 'ended' ? phase.outcome : Promise.reject(new Error('not ended'));
    },
    async untilDone(live) {
      const outcome = await rig.untilEnded(live);
      await live.posted;
      await rig.kernels.find(live.run.queue)?.settled;
      return outcome;
    },
    views: ({ id }) => shown.get(id) ?? [],
    async replace(how) {
      const { faults, end, lose, mute } = current;
      if (how === 'killed') mute();
      if (how !== 'closed') faults.before = () => Promise.reject(silent());
      if (how === 'replaced') lose();
      await (how === 'replaced' ? replaced.push(end) : end());
      faults.before = () => Promise.reject(silent());
      current = startProcess();
      Object.assign(rig, current);
      await rig.recover();
    },
    async recover() {
      await rig.channels.load();
      const unposted = await store.runs.unposted();
      await sweepSpool(dir, new Set(unposted.map(({ id }) => id)));
      return await rig.runs.recover(unposted, await rig.records.readAll());
    },
    async [Symbol.asyncDispose]() {
      held.letRun();
      await Promise.all(
        [current, ...replaced].map(async (each) => await (typeof each === 'function' ? each() : each.end())),
      );
      await gateway.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return rig;
}
