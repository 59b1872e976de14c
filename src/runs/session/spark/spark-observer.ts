import type { KernelConnection } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import type { SparkLinkSettings } from '../../../spark/links.ts';
import { PUT_IN, stopCode } from '../../../spark/observer.ts';
import { readStopped, type StoppedWork } from '../../../spark/read-observer.ts';
import { showFrames } from '../../../spark/sql/python.ts';
import { type StatusSettings, StatusApi } from '../../../spark/status/status-api.ts';
import { executeQuietly } from '../kernel/quiet-execute.ts';
import type { LiveRun } from '../run/live-run.ts';
import { type Pause, pauseFor, followStatus } from './follow-status.ts';

/** A kernel that does not answer this soon is busy dying, or with something else; the run finds that out. */
const TIMEOUT_MS = 5_000;
/** The kernel's first sign of a run is later than its beginning. */
const EARLIER_MS = 500;

export type SparkProgress = 'auto' | 'console' | 'off';
export type SparkSettings = SparkLinkSettings & {
  progress: SparkProgress;
  /** Spark's REST API, for kernels without the observer. */
  status?: StatusSettings | undefined;
  /** The most rows that `display(df)` shows, as of a SQL result. */
  sqlRows: number;
  /** The most rows of a DataFrame that is a cell's result; 0: none, because they cost a job. */
  resultRows: number;
};

/**
 * The bot's part in a kernel that may use Spark: what shows DataFrames as tables and, where it is wanted, the observer go
 * in before a run; the observer ends the run's jobs after a stop. Where there is no observer Spark's REST API is asked.
 */
export class SparkObserver {
  readonly settings: SparkSettings;
  readonly #code: string;
  readonly #log: Log;
  /** The process that it was put into, by connection; one that has it already takes no second one. */
  readonly #process = new WeakMap<KernelConnection, string>();
  readonly #api: StatusApi | undefined;
  readonly #pause: Pause;
  /** Runs of which the log knows that the API gives no answer. */
  readonly #unanswered = new WeakSet<LiveRun>();

  constructor(settings: SparkSettings, log: Log, pause = pauseFor) {
    this.settings = settings;
    const frames = showFrames({ asked: settings.sqlRows, result: settings.resultRows });
    this.#code = settings.progress === 'auto' ? `(${frames}, ${PUT_IN})` : frames;
    this.#log = log;
    this.#api = settings.status === undefined ? undefined : new StatusApi(settings.status);
    this.#pause = pause;
  }

  /** Once for each process of a Python kernel, in one request, while nothing runs in it. Never rejects: a run goes without. */
  async putInto(connection: KernelConnection): Promise<void> {
    const { process, kernelId } = connection;
    if (!isPython(connection) || connection.isBusyElsewhere) return;
    if (process !== '' && this.#process.get(connection) === process) return;
    const { kind } = await executeQuietly(connection, this.#code, TIMEOUT_MS);
    // The one that has answered: before, it may have been coming up.
    this.#process.set(connection, connection.process);
    if (kind !== 'ok')
      this.#log.warn(
        { event: 'spark.observer', kernel: kernelId, kind },
        'what shows Spark’s frames and progress was not put into a kernel',
      );
  }

  /** Follows the jobs of the block that was sent, where nothing in the kernel tells of them; the result ends that. */
  follow(live: LiveRun, connection: KernelConnection): () => void {
    const { progress } = this.settings;
    const isObserved = progress === 'auto' && isPython(connection);
    const api = this.#api;
    if (api === undefined || progress === 'off' || isObserved) return () => undefined;
    const over = new AbortController();
    const onFailure = (error: unknown): void => {
      if (this.#unanswered.has(live)) return;
      this.#unanswered.add(live);
      this.#log.warn(
        { event: 'spark.unanswered', err: error, run: live.id, address: api.shownAddress },
        'Spark’s REST API gives no answer about a run',
      );
    };
    const deps = { api, pause: this.#pause, settings: this.settings, onFailure };
    void followStatus(live, connection.kernelId, deps, AbortSignal.any([over.signal, live.released]));
    return () => over.abort();
  }

  /** After our interrupt: ends the Spark jobs of that request, which ran for so long. Never rejects. */
  async endJobs(
    connection: KernelConnection,
    msgId: string,
    ranMs: number,
  ): Promise<StoppedWork | undefined> {
    if (!isPython(connection)) return undefined;
    const seconds = Math.ceil(ranMs + EARLIER_MS) / 1000;
    const { comms } = await executeQuietly(connection, stopCode(msgId, seconds), TIMEOUT_MS);
    return comms.map(readStopped).find((word) => word !== undefined);
  }
}

function isPython({ kernelInfo }: KernelConnection): boolean {
  return kernelInfo.implementation === 'ipython';
}
