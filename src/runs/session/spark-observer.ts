import { randomUUID } from 'node:crypto';
import { isIpykernel, type KernelConnection, type KernelInfo } from '../../gateway/gateway.ts';
import type { ExecutionEndKind, Output } from '../../gateway/outputs.ts';
import type { Log } from '../../log.ts';
import { MONITOR_TARGET } from '../../spark/read-monitor.ts';
import {
  observeScala,
  PUT_IN,
  readStopped,
  stopCode,
  type StoppedWork,
  stopScala,
} from '../../spark/read-observer.ts';
import type { SparkLinkSettings } from '../../spark/spark-work.ts';
import { type FrameRows, showFrames, showFramesAndRun } from '../../spark/sql/python.ts';
import { StatusApi, type StatusSettings } from '../../spark/status/status-api.ts';
import { useUtf8 } from '../../spark/use-utf8.ts';
import { atMost, pause } from '../../waits.ts';
import type { LiveRun } from './run/live-run.ts';
import { noteMoment, noteSilence } from './run/note-events.ts';

/** A kernel that takes longer is busy or dying. The run will find that out. */
const TIMEOUT_MS = 5_000;
/** Without an answer to comm_open by then, the kernel has no such plugin (Toree answers within 100 ms). */
const MONITOR_MS = 1_000;
/** How long a kernel may take to start. A JVM takes about 15 s. */
const COMES_UP_MS = 30_000;
/** The kernel's first message about a run comes a little after the run began. */
const EARLIER_MS = 500;
/** The first request to Spark's REST API comes after this, when most runs are over. */
const LASTS_MS = 1_000;
/** The time from an answer to the next request. */
const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** `all`: as `auto`, but the observer runs in Scala kernels too. */
export type SparkProgress = 'auto' | 'console' | 'off' | 'all';
export type SparkSettings = SparkLinkSettings & {
  progress: SparkProgress;
  /** Spark's REST API, used for kernels without the observer. */
  status?: StatusSettings | undefined;
  /** The maximum rows of a SQL result and of `display(df)`. */
  sqlRows: number;
  /** The maximum rows shown of a DataFrame that is a cell's result. 0: none are shown, because they cost a Spark job. */
  resultRows: number;
};

/**
 * Runs the bot's own code in kernels that may use Spark. Before a run it installs what shows DataFrames as tables (or what
 * makes the kernel use UTF-8) and, unless it is turned off, the observer of Spark's jobs, which also ends a run's jobs after
 * a stop. For kernels without the observer it asks Spark's REST API.
 */
export class SparkObserver {
  readonly settings: SparkSettings;
  readonly #rows: FrameRows;
  readonly #code: string;
  readonly #log: Log;
  /** By connection: the kernel process that has the code already. */
  readonly #process = new WeakMap<KernelConnection, string | KernelInfo>();
  readonly #api: StatusApi | undefined;
  readonly #pause: typeof pause;
  /** The runs for which the log already says that the API does not answer. */
  readonly #unanswered = new WeakSet<LiveRun>();

  constructor(settings: SparkSettings, log: Log, wait = pause) {
    this.settings = settings;
    this.#rows = { asked: settings.sqlRows, result: settings.resultRows };
    const frames = showFrames(this.#rows);
    this.#code = isObserving(settings) ? `(${frames}, ${PUT_IN})` : frames;
    this.#log = log;
    this.#api = settings.status === undefined ? undefined : new StatusApi(settings.status);
    this.#pause = wait;
  }

  /** Installs the code once in each process of a kernel, while nothing else runs there. Never rejects: a run can do without. */
  async install(connection: KernelConnection): Promise<void> {
    const { kernelId } = connection;
    const code = this.#codeIn(connection);
    if (code === undefined || connection.isBusyElsewhere || this.#isIn(connection)) return;
    const { kind } = await executeQuietly(connection, code, TIMEOUT_MS, 'written');
    // The process is known only now: before the answer it may still have been starting.
    const isSent = kind !== 'unanswered' && kind !== 'notSent' && kind !== 'writesPaused';
    if (isSent) this.#process.set(connection, processOf(connection));
    if (kind !== 'ok')
      this.#log.warn(
        { event: 'spark.observer', kernel: kernelId, kind },
        'the code for Spark’s tables and progress, or for UTF-8, could not be installed in a kernel',
      );
    if (kind === 'ok' && this.#hasMonitor(connection))
      await atMost(connection.openComm(MONITOR_TARGET), MONITOR_MS);
  }

  #codeIn(connection: KernelConnection): string | undefined {
    if (isIpykernel(connection.kernelInfo)) return this.#code;
    const parts = [useUtf8(connection.kernelInfo.implementation), this.#observerIn(connection)];
    return parts.filter(Boolean).join('\n') || undefined;
  }

  /** The code of the observer for a Scala kernel. */
  #observerIn({ kernelInfo }: KernelConnection): string | undefined {
    return this.settings.progress === 'all' ? observeScala(kernelInfo.implementation) : undefined;
  }

  /**
   * Toree 0.6 may have a plugin that reports Spark's jobs. It is used if nothing better is configured. An older Toree has none
   * and takes up to a second to say so.
   */
  #hasMonitor({ kernelInfo }: KernelConnection): boolean {
    return (
      this.settings.progress === 'auto' &&
      this.#api === undefined &&
      kernelInfo.implementation.includes('Toree') &&
      !/^0\.[0-5]\./.test(kernelInfo.version)
    );
  }

  #isIn(connection: KernelConnection): boolean {
    return this.#process.get(connection) === processOf(connection);
  }

  /** The code to send. A kernel that was busy for another client may lack our code, so what needs it brings it along. */
  codeFor(code: string, connection: KernelConnection): string {
    const isTold = !isIpykernel(connection.kernelInfo) || this.#isIn(connection);
    return (isTold ? undefined : showFramesAndRun(code, this.#rows)) ?? code;
  }

  /** Follows the Spark jobs of the current block if nothing in the kernel reports them. Returns a function that ends this. */
  follow(live: LiveRun, connection: KernelConnection): () => void {
    const { progress } = this.settings;
    const isObserved =
      isObserving(this.settings) &&
      (isIpykernel(connection.kernelInfo) || this.#observerIn(connection) !== undefined);
    const api = this.#api;
    if (api === undefined || progress === 'off' || isObserved) return () => undefined;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, live.released]);
    void this.#followStatus(live, connection.kernelId, api, signal);
    return () => over.abort();
  }

  /**
   * While the block runs, asks Spark's REST API for its jobs and shows them. Ends with the signal. Never rejects: an API that
   * does not answer must not affect the run.
   */
  async #followStatus(live: LiveRun, kernelId: string, api: StatusApi, signal: AbortSignal): Promise<void> {
    const { request, spark, startedAt } = live.run.data;
    const sinceMs = request?.sentAt ?? startedAt ?? Date.now();
    const follower = api.follow({ kernelId, appId: spark?.app, sinceMs });
    let failures = 0;
    await this.#pause(LASTS_MS, signal);
    while (!signal.aborted) {
      // Before its first message about the run the kernel may be working for another client.
      if (live.run.state === 'running')
        try {
          const moment = await follower.look(signal);
          failures = 0;
          if (moment !== undefined && !signal.aborted) {
            noteMoment(live, moment, this.settings);
            live.refresh();
          }
        } catch (error) {
          failures += 1;
          if (signal.aborted) return;
          noteSilence(live);
          this.#logOnce(live, api, error);
        }
      await this.#pause(Math.min(PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS), signal);
    }
  }

  #logOnce(live: LiveRun, { shownAddress: address }: StatusApi, err: unknown): void {
    if (this.#unanswered.has(live)) return;
    this.#unanswered.add(live);
    this.#log.warn(
      { event: 'spark.unanswered', err, run: live.id, address },
      'Spark’s REST API does not answer',
    );
  }

  /** After an interrupt: ends the Spark jobs of a request that ran for `ranMs`. Never rejects. */
  async endJobs(
    connection: KernelConnection,
    msgId: string,
    ranMs: number,
  ): Promise<StoppedWork | undefined> {
    const ms = Math.ceil(ranMs + EARLIER_MS);
    const inScala = (): string | undefined =>
      this.settings.progress === 'all' ? stopScala(connection.kernelInfo.implementation, ms) : undefined;
    const code = isIpykernel(connection.kernelInfo) ? stopCode(msgId, ms / 1000) : inScala();
    if (code === undefined) return undefined;
    const { comms } = await executeQuietly(connection, code, TIMEOUT_MS);
    return comms.map(readStopped).find((word) => word !== undefined);
  }
}

/** Identifies the kernel's process. Without a name for it, the kernel_info changes with each restart. */
function processOf({ process, kernelInfo }: KernelConnection): string | KernelInfo {
  return process === '' ? kernelInfo : process;
}

function isObserving({ progress }: Pick<SparkSettings, 'progress'>): boolean {
  return progress === 'auto' || progress === 'all';
}

/** After the timeout the request is interrupted. It has this much longer to end. */
const INTERRUPT_MS = 500;
/** Our code sends few messages. */
const MAX_COMMS = 10;

interface QuietEnd {
  kind: ExecutionEndKind | 'unanswered';
  comms: readonly (Output & { kind: 'comm' })[];
}

/**
 * Runs the bot's own code between two runs, without a count or history; its output is dropped. The timeout counts from now,
 * or from when the request is written, so that a kernel may finish its start first. Never rejects.
 */
export async function executeQuietly(
  connection: KernelConnection,
  code: string,
  timeoutMs: number,
  from: 'now' | 'written' = 'now',
): Promise<QuietEnd> {
  const timeout = new AbortController();
  const comms: (Output & { kind: 'comm' })[] = [];
  const execution = connection.execute({
    msgId: randomUUID(),
    code,
    silent: true,
    allowStdin: false,
    signal: timeout.signal,
  });
  if (from === 'written') await atMost(execution.written, COMES_UP_MS);
  const clock = setTimeout(() => timeout.abort(), timeoutMs).unref();
  const read = async (): Promise<QuietEnd['kind']> => {
    for await (const said of execution)
      if (said.kind === 'comm' && comms.length < MAX_COMMS) comms.push(said);
    return execution.checkpoint === undefined ? (await execution.end).kind : 'unanswered';
  };
  const kind = (await atMost(read(), timeoutMs + INTERRUPT_MS)) ?? 'unanswered';
  clearTimeout(clock);
  return { kind, comms };
}
