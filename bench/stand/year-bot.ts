import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../../src/gateway/errors.ts';
import type { Gateway, KernelConnection, KernelModel } from '../../src/gateway/gateway.ts';
import type { Execution, ExecutionEnd, KernelOutput } from '../../src/gateway/outputs.ts';
import { silentLog } from '../../src/log.ts';
import { openTranscript } from '../../src/output/run-transcript.ts';
import { SpoolBudget } from '../../src/output/spool/spool.ts';
import { startDisplays } from '../../src/output/transcript.ts';
import { Admission } from '../../src/runs/admission/admission.ts';
import { ChannelSettingsStore } from '../../src/runs/languages/channel-settings.ts';
import { startKernelspecCache } from '../../src/runs/languages/kernelspecs.ts';
import { eraseOldRuns } from '../../src/runs/retention.ts';
import { readRunData, type Run, type RunData } from '../../src/runs/run.ts';
import { Runs } from '../../src/runs/runs.ts';
import { ChannelKernels } from '../../src/runs/session/channel-kernels.ts';
import { GatewayOutageWait } from '../../src/runs/session/kernel/gateway-outage.ts';
import { KernelRecords } from '../../src/runs/session/kernel/kernel-record.ts';
import { FinalMessages } from '../../src/runs/session/run/final-message.ts';
import { SparkObserver } from '../../src/runs/session/spark-observer.ts';
import { openStore } from '../../src/store/open.ts';

/** The rooms runs/, output/ and store/ of a bot on an SQLite file; its gateway and its Slack are functions. */
export interface YearBot {
  /** One run that prints a line; resolves when its answer is posted. */
  run: (channel: string, requester: string) => Promise<void>;
  /** A request that makes no run. */
  event: (key: string) => Promise<void>;
  /** The gateway removes one of its kernels without a sign. */
  cull: (nth: number) => void;
  runs: () => number;
  sessions: () => number;
  kernels: () => number;
  close: () => Promise<void>;
}

export async function startYear(options: {
  folder: string;
  keepRunsMs: number;
  idleTimeoutMs: number;
}): Promise<YearBot> {
  const { folder, keepRunsMs, idleTimeoutMs } = options;
  const store = await openStore<RunData>({
    url: `sqlite:${join(folder, 'sparkthread.db')}`,
    log: silentLog,
    readData: readRunData,
  });
  await store.lease.acquire(1e12);
  const living = new Set<string>();
  const gateway = createGateway(living);
  const budget = new SpoolBudget(1e9);
  const dir = join(folder, 'spool');
  const closing = new AbortController();
  const posted = new Map<string, () => void>();
  const finals = new FinalMessages({
    store: store.runs,
    removeMessage: async () => true,
    forgetNotebook: async () => undefined,
    onPosted(live) {
      kernels.remove(live);
      posted.get(live.id)?.();
    },
    log: silentLog,
  });
  const open = async ({ id: runId }: Run, recovered: boolean, displays = startDisplays(() => undefined)) => {
    const limits = { maxOutputBytes: 1e6, budget };
    return await openTranscript({ dir, runId, ...limits, recovered, displays, readsConsoleBar: true });
  };
  const channels = new ChannelSettingsStore(store.keyv('channel'));
  const kernels: ChannelKernels = new ChannelKernels({
    gateway,
    records: new KernelRecords(store.keyv('kernel'), gateway, closing.signal, silentLog),
    envFor: () => ({}),
    outage: new GatewayOutageWait(gateway),
    finals,
    openTranscript: open,
    onEnded: () => undefined,
    onSwitched: () => undefined,
    notices: { warn: async () => undefined, ended: async () => undefined },
    log: silentLog,
    several: false,
    runTimeoutMs: undefined,
    inputTimeoutMs: 600_000,
    isDeactivated: async () => false,
    spark: new SparkObserver(
      { progress: 'console', uiUrl: undefined, historyUrl: undefined, sqlRows: 1_000, resultRows: 0 },
      silentLog,
    ),
    guard: { mayWrite: () => true, whenSure: async () => undefined },
    idleTimeoutMs,
  });
  const runs = new Runs({
    workspace: 'T1',
    store: store.runs,
    kernels,
    finals,
    openRunMessage: ({ onPosted }) => ({
      show: () => undefined,
      async finish() {
        onPosted('2.0');
        return { delivered: true, messageTs: '2.0' };
      },
      release: async () => undefined,
      withdraw: async () => undefined,
    }),
    removeAttached: async () => undefined,
    removeMessage: async () => true,
    openTranscript: open,
    log: silentLog,
  });
  const choices = { aliases: {}, defaultLanguage: 'python3', queueLimit: 20, userLimit: 20 };
  const admission = new Admission({
    store: store.runs,
    gateway,
    kernelspecs: startKernelspecCache(gateway, closing.signal, silentLog),
    channels,
    kernels,
    notebooks: { keep: async () => undefined, forget: async () => undefined },
    limits: { ...choices, maxCodeBytes: 1e6, kernelsPerUser: undefined },
    openRun: (run, code) => runs.open(run, code),
    log: silentLog,
  });
  await channels.load();
  void eraseOldRuns(store.runs, keepRunsMs, closing.signal, silentLog);
  let count = 0;
  return {
    async run(channel, requester) {
      count += 1;
      const request = {
        requestKey: `request/${count}`,
        source: 'mention' as const,
        workspace: 'T1',
        channel,
      };
      const code = { language: undefined, blocks: [`print(${count})`] };
      const place = { thread: `${count}.0`, requester, attended: true };
      const admitted = await admission.submit({ ...request, ...place, snippet: code });
      if (admitted.kind !== 'accepted') throw new Error('a duplicate');
      const { promise, resolve } = Promise.withResolvers<void>();
      if (kernels.run(admitted.runId) === undefined) return;
      posted.set(admitted.runId, resolve);
      await promise;
      posted.delete(admitted.runId);
    },
    event: async (key) => void (await store.runs.markSeen(key, Date.now())),
    cull(nth) {
      const kernelId = [...living][nth % Math.max(1, living.size)];
      if (kernelId !== undefined) living.delete(kernelId);
    },
    runs: () => count,
    sessions: () => kernels.sessions.length,
    kernels: () => kernels.records('T1').length,
    async close() {
      closing.abort();
      await runs.close();
      await store.close();
    },
  };
}

function model(id: string): KernelModel {
  return { id, name: 'python3', executionState: 'idle' };
}

function createGateway(living: Set<string>): Gateway {
  const spec = { name: 'python3', displayName: 'Python 3', language: 'python' };
  return {
    readInfo: async () => ({ version: '1' }),
    readKernelspecs: async () => ({ default: 'python3', list: [spec] }),
    listKernels: async () => undefined,
    async startKernel({ kernelId }) {
      living.add(kernelId);
      return model(kernelId);
    },
    findKernel: async (kernelId) => (living.has(kernelId) ? model(kernelId) : undefined),
    restartKernel: async () => undefined,
    shutDownKernel: async (kernelId) => void living.delete(kernelId),
    removeLost: () => undefined,
    async connect(kernelId, { sessionId }): Promise<KernelConnection> {
      if (!living.has(kernelId)) throw new GatewayError('kernelGone', 'culled');
      let executionCount = 0;
      return {
        kernelId,
        sessionId,
        kernelInfo: { implementation: 'ipython', version: '' },
        process: kernelId,
        isBusyElsewhere: false,
        isThere: async () => living.has(kernelId),
        execute: ({ msgId }) => execute(msgId, (executionCount += 1)),
        resume: ({ msgId }) => execute(msgId, (executionCount += 1)),
        openComm: async () => false,
        close: async () => undefined,
      };
    },
    saveCookies: () => undefined,
    restoreCookies: () => undefined,
    close: async () => undefined,
  };
}

function execute(msgId: string, executionCount: number): Execution {
  const said: KernelOutput[] = [
    { kind: 'started' },
    { kind: 'counted', executionCount },
    { kind: 'stream', name: 'stdout', text: `a line ${randomUUID()}\n` },
  ];
  const end: ExecutionEnd = {
    kind: 'ok',
    executionCount,
    variablesLost: false,
    possibleGap: false,
    replyMissing: false,
    idleMissing: false,
  };
  return {
    msgId,
    end: Promise.resolve(end),
    written: Promise.resolve(),
    checkpoint: undefined,
    soFar: () => undefined,
    stopAgain: () => undefined,
    async *[Symbol.asyncIterator]() {
      yield* said;
    },
  };
}
