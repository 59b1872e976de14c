import { randomUUID } from 'node:crypto';
import type { KernelConnection, KernelInfo } from '../../gateway/gateway.ts';
import type { ExecutionEndKind, Output } from '../../gateway/outputs.ts';
import { isIpykernel } from '../../gateway/protocol/messages.ts';
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

/** A kernel that does not answer this soon is busy dying, or with something else; the run finds that out. */
const TIMEOUT_MS = 5_000;
/** One that gives no answer to the opening of a comm by then has nobody who takes it (Toree's answer comes within 100 ms). */
const MONITOR_MS = 1_000;
/** A JVM takes some 15 s. */
const COMES_UP_MS = 30_000;
/** The kernel's first sign of a run is later than its beginning. */
const EARLIER_MS = 500;
/** Spark's REST API is asked first after this: most runs are over by then. */
const LASTS_MS = 1_000;
/** From an answer to the next question. */
const PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;

/** `all`: `auto`, and in Scala kernels too. */
export type SparkProgress = 'auto' | 'console' | 'off' | 'all';
export type SparkSettings = SparkLinkSettings & {
  progress: SparkProgress;
  /** Spark's REST API, for kernels without the observer. */
  status?: StatusSettings | undefined;
  /** The most rows of a SQL result, and of what `display(df)` shows. */
  sqlRows: number;
  /** The most rows of a DataFrame that is a cell's result; 0: none, because they cost a job. */
  resultRows: number;
};

/**
 * The bot's part in a kernel that may use Spark: what shows DataFrames as tables (or has the kernel use UTF-8) and, where it
 * is wanted, the observer go in before a run; the observer ends the run's jobs after a stop. Where there is no observer
 * Spark's REST API is asked.
 */
export class SparkObserver {
  readonly settings: SparkSettings;
  readonly #rows: FrameRows;
  readonly #code: string;
  readonly #log: Log;
  /** The process that it was put into, by connection; one that has it already takes no second one. */
  readonly #process = new WeakMap<KernelConnection, string | KernelInfo>();
  readonly #api: StatusApi | undefined;
  readonly #pause: typeof pause;
  /** Runs of which the log knows that the API gives no answer. */
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

  /** Once for each process of a kernel, in one request, while nothing runs in it. Never rejects: a run goes without. */
  async putInto(connection: KernelConnection): Promise<void> {
    const { kernelId } = connection;
    const code = this.#codeIn(connection);
    if (code === undefined || connection.isBusyElsewhere || this.#isIn(connection)) return;
    const { kind } = await executeQuietly(connection, code, TIMEOUT_MS, 'written');
    // The one that has answered: before, it may have been coming up.
    if (kind !== 'unanswered' && kind !== 'notSent') this.#process.set(connection, processOf(connection));
    if (kind !== 'ok')
      this.#log.warn(
        { event: 'spark.observer', kernel: kernelId, kind },
        'what shows Spark’s frames and progress, or has it use UTF-8, was not put into a kernel',
      );
    if (kind === 'ok' && this.#hasMonitor(connection))
      await atMost(connection.openComm(MONITOR_TARGET), MONITOR_MS);
  }

  #codeIn(connection: KernelConnection): string | undefined {
    if (isIpykernel(connection.kernelInfo)) return this.#code;
    const parts = [useUtf8(connection.kernelInfo.implementation), this.#observerIn(connection)];
    return parts.filter(Boolean).join('\n') || undefined;
  }

  /** The observer of a kernel that is no Python's. */
  #observerIn({ kernelInfo }: KernelConnection): string | undefined {
    return this.settings.progress === 'all' ? observeScala(kernelInfo.implementation) : undefined;
  }

  /**
   * Toree 0.6 may have a plugin that tells of Spark's jobs; where more is asked for or known, that tells of them. One before it has
   * none, and takes up to a second to say so.
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

  /** The code that runs this: a kernel that works for somebody else has not been told yet what `%%sql` is. */
  codeFor(code: string, connection: KernelConnection): string {
    const isTold = !isIpykernel(connection.kernelInfo) || this.#isIn(connection);
    return (isTold ? undefined : showFramesAndRun(code, this.#rows)) ?? code;
  }

  /** Follows the jobs of the block that was sent, where nothing in the kernel tells of them; the result ends that. */
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
   * While the block under way runs, Spark's REST API is asked for its jobs → the record and the screen. Ends with the
   * signal and never rejects: an API that gives no answer costs the run nothing.
   */
  async #followStatus(live: LiveRun, kernelId: string, api: StatusApi, signal: AbortSignal): Promise<void> {
    const { request, spark, startedAt } = live.run.data;
    const sinceMs = request?.sentAt ?? startedAt ?? Date.now();
    const follower = api.follow({ kernelId, appId: spark?.app, sinceMs });
    let failures = 0;
    await this.#pause(LASTS_MS, signal);
    while (!signal.aborted) {
      // Before its first sign the kernel may be at work for somebody else.
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
      'Spark’s REST API gives no answer about a run',
    );
  }

  /** After our interrupt: ends the Spark jobs of that request, which ran for so long. Never rejects. */
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

/** A kernel that does not name its process introduces itself anew behind each restart. */
function processOf({ process, kernelInfo }: KernelConnection): string | KernelInfo {
  return process === '' ? kernelInfo : process;
}

function isObserving({ progress }: Pick<SparkSettings, 'progress'>): boolean {
  return progress === 'auto' || progress === 'all';
}

/** Beyond its time-out a request is interrupted where it runs; one that still waits is not waited for. */
const MERCY_MS = 500;
/** What it says is ours: there is little of it. */
const MOST_COMMS = 10;

interface QuietEnd {
  kind: ExecutionEndKind | 'unanswered';
  comms: readonly (Output & { kind: 'comm' })[];
}

/**
 * Runs code of our own between two runs: not counted, not in the history, and what it prints is dropped. The time-out counts
 * from now, or from when the kernel takes the request: one that comes up is waited for, as a run would be. Never rejects.
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
      if (said.kind === 'comm' && comms.length < MOST_COMMS) comms.push(said);
    return execution.checkpoint === undefined ? (await execution.end).kind : 'unanswered';
  };
  const kind = (await atMost(read(), timeoutMs + MERCY_MS)) ?? 'unanswered';
  clearTimeout(clock);
  return { kind, comms };
}
