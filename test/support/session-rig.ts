import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGatewayClient } from '../../src/gateway/client.ts';
import { silentLog } from '../../src/log.ts';
import { startDisplays } from '../../src/output/displays.ts';
import { openTranscript } from '../../src/output/open-transcript.ts';
import type { RunOutcome } from '../../src/runs/outcome.ts';
import { readRunData, type Run, type RunData } from '../../src/runs/run.ts';
import { summarizeCode } from '../../src/store/run-reader.ts';
import type { OpenRunMessage, RunView } from '../../src/runs/run-view.ts';
import { Runs } from '../../src/runs/runs.ts';
import { ChannelKernels } from '../../src/runs/session/channel-kernels.ts';
import { GatewayOutageWait } from '../../src/runs/session/kernel/gateway-outage.ts';
import type { IdleNotices } from '../../src/runs/session/kernel/idle-kernel.ts';
import { KernelRecords } from '../../src/runs/session/kernel/kernel-record.ts';
import type { KernelSession } from '../../src/runs/session/kernel-session.ts';
import { FinalMessages } from '../../src/runs/session/run/final-message.ts';
import type { LiveRun } from '../../src/runs/session/run/live-run.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { settingsFor } from './gateway-client.ts';
import { type HeldKernels, holdKernels } from './held-kernels.ts';
import { type ScriptedGateway, startScriptedGateway } from './scripted-gateway.ts';

/** The rooms runs/, gateway/, output/ and store/ together, on a scripted gateway and a store in memory, without Slack. */
export interface SessionRig extends AsyncDisposable {
  gateway: ScriptedGateway;
  held: HeldKernels;
  store: Store<RunData>;
  kernels: ChannelKernels;
  runs: Runs;
  /** What was told outside run messages: ends, switches, idle kernels. */
  notices: string[];
  /** Accepts a run of this code and gives it to its session. */
  submit(code: string, run?: Partial<Run> & { kernelspec?: string }): Promise<LiveRun>;
  session(): KernelSession;
  untilShown(live: LiveRun, fits: (view: RunView) => boolean): Promise<RunView>;
  untilEnded(live: LiveRun): Promise<RunOutcome>;
}

export interface RigOptions {
  idleTimeoutMs?: number;
  several?: boolean;
  warn?: IdleNotices['warn'];
}

export async function startSessionRig({
  idleTimeoutMs,
  several = false,
  warn,
}: RigOptions = {}): Promise<SessionRig> {
  const gateway = await startScriptedGateway();
  const held = holdKernels(gateway);
  const client = createGatewayClient(settingsFor(gateway), { log: silentLog });
  const store = await openStore<RunData>({ url: 'memory:', log: silentLog, readData: readRunData });
  await store.lease.acquire(3_600_000);
  const dir = await mkdtemp(join(tmpdir(), 'sparkthread-rig-'));
  const shown = new Map<string, RunView[]>();
  const events = new EventEmitter().setMaxListeners(0);
  const notices: string[] = [];
  const openRunMessage: OpenRunMessage = ({ runId, onPosted }) => {
    const views: RunView[] = [];
    shown.set(runId, views);
    const show = (view: RunView): void => {
      views.push(view);
      events.emit('shown');
    };
    return {
      show,
      async finish(view) {
        show(view);
        onPosted('2.0');
        return { delivered: true, messageTs: '2.0' };
      },
      release: async () => {},
      withdraw: async () => {},
    };
  };
  const open = (runId: string, recovered: boolean, displays = startDisplays(() => undefined)) =>
    openTranscript({ dir, runId, maxOutputBytes: 1e8, recovered, displays });
  const finals = new FinalMessages({
    store: store.runs,
    removeMessage: async () => {},
    onPosted: (live) => kernels.remove(live),
    log: silentLog,
  });
  const records = new KernelRecords(store.keyv('kernel'), silentLog);
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
      warn: warn ?? (async ({ kernelspec }) => void notices.push(`warned ${kernelspec}`)),
      ended: async ({ kernelspec }) => void notices.push(`idle ${kernelspec}`),
    },
    threadOf: async () => undefined,
    log: silentLog,
    several,
    runTimeoutMs: undefined,
    inputTimeoutMs: 60_000,
    guard: { mayWrite: () => true, whenSure: async () => {} },
    idleTimeoutMs,
  });
  const runs = new Runs({
    workspace: 'T1',
    store: store.runs,
    records,
    kernels,
    finals,
    openRunMessage,
    removeAttached: async () => {},
    removeMessage: async () => {},
    openTranscript: open,
    log: silentLog,
  });
  let count = 0;
  const rig: SessionRig = {
    gateway,
    held,
    store,
    kernels,
    runs,
    notices,
    async submit(code, { kernelspec = 'python3', ...fields } = {}) {
      count += 1;
      const data: RunData = {
        source: 'mention',
        kernelspec,
        ...summarizeCode([code]),
        requestKey: `request/${count}`,
        edition: 1,
        needsRoot: false,
        block: 0,
        notes: [],
      };
      const run = {
        id: `run-${count}`,
        workspace: 'T1',
        channel: 'C1',
        thread: `${count}.0`,
        queue: kernels.queueOf('T1', 'C1', kernelspec),
        requester: 'U1',
        createdAt: Date.now(),
        ...fields,
        data,
      };
      const accepted = await store.runs.accept(data.requestKey, { ...run, code: [code] });
      if (accepted.kind !== 'accepted') throw new Error('a duplicate');
      const record: Run = { ...run, state: 'waiting', order: accepted.order, updatedAt: run.createdAt };
      const live = runs.open(record, [code]);
      kernels.add(live);
      return live;
    },
    session: () => kernels.session({ queue: 'T1/C1', workspace: 'T1', channel: 'C1' }),
    async untilShown(live, fits) {
      for (;;) {
        const found = shown.get(live.id)?.find(fits);
        if (found !== undefined) return found;
        await once(events, 'shown');
      }
    },
    async untilEnded(live) {
      const { phase } = await rig.untilShown(live, (view) => view.phase.kind === 'ended');
      return phase.kind === 'ended' ? phase.outcome : Promise.reject(new Error('not ended'));
    },
    async [Symbol.asyncDispose]() {
      held.letRun();
      await runs.close();
      await client.close();
      await gateway.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return rig;
}
