import type { KernelConnection } from '../../../gateway/gateway.ts';
import type { Log } from '../../../log.ts';
import type { SparkLinkSettings } from '../../../spark/links.ts';
import { PUT_IN, stopCode } from '../../../spark/observer.ts';
import { readStopped, type StoppedWork } from '../../../spark/read-observer.ts';
import { executeQuietly } from '../kernel/quiet-execute.ts';

/** A kernel that does not answer this soon is busy dying, or with something else; the run finds that out. */
const TIMEOUT_MS = 5_000;
/** The kernel's first sign of a run is later than its beginning. */
const EARLIER_MS = 500;

export type SparkProgress = 'auto' | 'console' | 'off';
export type SparkSettings = SparkLinkSettings & { progress: SparkProgress };

/** The bot's part in a kernel that may use Spark: the observer goes in before a run, and ends the run's jobs after a stop. */
export class SparkObserver {
  readonly settings: SparkSettings;
  readonly #log: Log;
  /** The process that it was put into, by connection; one that has it already takes no second one. */
  readonly #process = new WeakMap<KernelConnection, string>();

  constructor(settings: SparkSettings, log: Log) {
    this.settings = settings;
    this.#log = log;
  }

  /** Once for each process of a Python kernel, while nothing runs in it. Never rejects: without it there is no progress. */
  async putInto(connection: KernelConnection): Promise<void> {
    const { process, kernelId } = connection;
    const isWanted = this.settings.progress === 'auto' && isPython(connection) && process !== '';
    if (!isWanted || this.#process.get(connection) === process || connection.isBusyElsewhere) return;
    this.#process.set(connection, process);
    const { kind } = await executeQuietly(connection, PUT_IN, TIMEOUT_MS);
    if (kind !== 'ok')
      this.#log.warn(
        { event: 'spark.observer', kernel: kernelId, kind },
        'the observer of Spark was not put into a kernel',
      );
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
