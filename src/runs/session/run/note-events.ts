import { randomUUID } from 'node:crypto';
import type { Output, Status } from '../../../gateway/outputs.ts';
import type { Log } from '../../../log.ts';
import { readSparkLoss } from '../../../output/errors/hints.ts';
import type { OutputView } from '../../../output/output-view.ts';
import type { SparkMonitor } from '../../../spark/read-monitor.ts';
import { readMoment } from '../../../spark/read-observer.ts';
import {
  sparkCounts,
  sparkLinks,
  type SparkLinkSettings,
  type SparkMoment,
  workAfter,
} from '../../../spark/spark-work.ts';
import type { RunPhase } from '../../run-view.ts';
import { type KernelRecord, RESTARTED_NOTE } from '../kernel/kernel-record.ts';
import type { LiveRun } from './live-run.ts';

/** Notes and shows what happens to the execution or its connection. */
export function noteStatus(live: LiveRun, status: Status, log: Log): void {
  const { phase } = live;
  switch (status.kind) {
    case 'started':
      // The output stream does not wait for the write, but output is shown only after it.
      live
        .commit({ state: 'running', data: { startedAt: live.run.data.startedAt ?? Date.now() } })
        .then(() => live.refresh())
        .catch(() => undefined);
      // A question that an earlier process was asked stays open while this one finds the code running.
      if (phase.kind !== 'inputAsked') live.showRunning();
      return;
    case 'quiet':
      if (phase.kind === 'running') live.show({ ...phase, quietMs: status.quietMs });
      return;
    case 'behindOthers':
      live.show({
        kind: 'running',
        sinceMs: Date.now(),
        stopping: live.signal.aborted,
        stopIgnored: false,
        behindOthers: true,
      });
      return;
    case 'inputMayBeLost':
      if (phase.kind === 'running') live.show({ ...phase, inputMayBeLost: true });
      return;
    case 'stopIgnored':
      live.show({ ...asRunning(live), stopIgnored: true, ignoredAtMs: Date.now() });
      return;
    case 'disconnected':
      log.info(
        { event: 'kernel.disconnected', run: live.id },
        'the websocket to the kernel broke; reconnecting',
      );
      return;
    case 'outage': {
      const { code, detail, isCutOff } = status;
      log.warn(
        { event: 'gateway.outage', run: live.id, code, detail, isCutOff },
        'the gateway does not answer or refuses us',
      );
      live.showOutage({ code, detail, isCutOff });
      return;
    }
    case 'outageOver':
      live.showOutage(undefined);
      return;
    case 'dropped':
    case 'tooBig':
    case 'reconnected':
      live.refresh();
  }
}

/** Notes and shows an output of the kernel. `echo`: see `askInput`. */
export function noteOutput(
  live: LiveRun,
  output: Output,
  record: KernelRecord,
  inputTimeoutMs: number,
  echo: (text: string) => void,
): void {
  if (output.kind === 'error') noteLoss(live, output);
  switch (output.kind) {
    case 'counted':
      noteCount(live, output.executionCount, record);
      return;
    case 'inputRequest':
      askInput(live, output, inputTimeoutMs, echo);
      return;
    default:
      // Code that sends output is not waiting for input.
      if (live.phase.kind === 'running') live.show({ ...live.phase, inputMayBeLost: false });
      else live.refresh();
  }
}

function noteLoss(live: LiveRun, error: Output & { kind: 'error' }): void {
  const loss = readSparkLoss(error);
  // An interrupted call to the driver raises the same error as a call to a driver that is gone.
  const isStopped = loss === 'session' || loss === 'context';
  const isLost = isStopped || (loss === 'driver' && !live.signal.aborted);
  if (isLost) live.setData({ hasLostSpark: true });
}

/** The run's phase as `running`, also before the kernel's first message about it. */
function asRunning({ phase, run }: LiveRun): RunPhase & { kind: 'running' } {
  if (phase.kind === 'running') return phase;
  const sinceMs = run.data.startedAt ?? Date.now();
  return { kind: 'running', sinceMs, stopping: true, stopIgnored: false };
}

/**
 * If the count begins again, the gateway restarted the kernel while no client was connected (protocol.md §2.7). A
 * kernel that failed to run the code before, as ipykernel does after `sys.stdout = None`, repeats its count.
 */
function noteCount(live: LiveRun, executionCount: number, record: KernelRecord): void {
  const { notes, block, executionCount: known } = live.run.data;
  if (executionCount === known) return;
  const isLess =
    executionCount < record.executionCount || (executionCount === 1 && record.executionCount === 1);
  const restarted = executionCount > 0 && isLess && block === 0;
  const isNews = restarted && !notes.includes(RESTARTED_NOTE);
  // The next change of state stores it; it is not worth a write of its own.
  live.setData({ executionCount, ...(isNews ? { notes: [...notes, RESTARTED_NOTE] } : {}) });
}

/** A kernel that still waits for input this long after a stop (IRkernel does) gets an empty line. */
const RELEASE_MS = 3_000;
/** Of a longer prompt, such as a menu, only the end is stored and shown. */
const MAX_PROMPT_CHARS = 4_000;

/**
 * Asks the requester for the input that the kernel waits for. Without an answer within `inputTimeoutMs` the run is stopped.
 * After a stop for any reason the kernel does not stay waiting. `echo` gets what a terminal would show: the prompt and the
 * input, but no password.
 */
function askInput(
  live: LiveRun,
  request: Output & { kind: 'inputRequest' },
  inputTimeoutMs: number,
  echo: (text: string) => void,
): void {
  if (request.refused) return;
  const { id = randomUUID(), password } = request;
  const prompt = request.prompt.slice(-MAX_PROMPT_CHARS).toWellFormed();
  const timeout = setTimeout(() => live.stop({ kind: 'inputTimeout' }), inputTimeoutMs);
  let release: NodeJS.Timeout | undefined;
  let isAnswered = false;
  const releaseSoon = (): void => {
    clearTimeout(timeout);
    release = setTimeout(() => request.answer(''), RELEASE_MS);
  };
  const stopAsking = (): void => {
    echo(`${request.prompt}\n`);
    releaseSoon();
  };
  live.prompts.open({
    id,
    answer(input) {
      if (isAnswered) return false;
      isAnswered = true;
      live.prompts.close();
      echo(`${request.prompt}${password ? '' : input}\n`);
      live.showRunning();
      request.answer(input);
      live.note({ data: { inputRequest: undefined } });
      return true;
    },
    close() {
      clearTimeout(timeout);
      clearTimeout(release);
      live.signal.removeEventListener('abort', stopAsking);
    },
  });
  if (live.signal.aborted) return releaseSoon();
  live.signal.addEventListener('abort', stopAsking, { once: true });
  // Stored at once, because a successor asks only what is stored.
  live.commit({ data: { inputRequest: { id, prompt, password } } }).catch(() => undefined);
  const sinceMs = Date.now();
  live.show({ kind: 'inputAsked', sinceMs, untilMs: sinceMs + inputTimeoutMs, prompt, password });
}

/** Spark draws its bar 0.5 s after a stage began. After another 0.5 s the job has lasted a second, and is shown. */
const BAR_MS = 500;

/** Notes what Spark's console progress bar has shown. */
export function noteConsoleBar(
  live: LiveRun,
  { console }: Pick<OutputView, 'console'>,
  settings: SparkLinkSettings,
): void {
  if (console === undefined) return;
  const { sinceMs, ...counts } = console;
  const isAtWork = sinceMs !== undefined;
  const isShort = isAtWork && Date.now() - sinceMs < BAR_MS;
  if (isShort || (!isAtWork && live.run.data.spark === undefined)) return;
  noteMoment(live, { source: 'console', counts: sparkCounts(counts), isAtWork, hasLasted: true }, settings);
}

/** Notes and shows what the observer in the kernel, or the kernel's own plugin, reports. */
export function noteObserver(
  live: LiveRun,
  said: Output & { kind: 'comm' },
  monitor: SparkMonitor,
  settings: SparkLinkSettings,
): void {
  const moment = readMoment(said) ?? monitor.read(said.data, Date.now());
  if (moment === undefined) return;
  noteMoment(live, moment, settings);
  live.refresh();
}

/** The API does not answer any more: from now on the other sources count. */
export function noteSilence(live: LiveRun): void {
  const { spark } = live.run.data;
  if (spark?.source === 'status') live.setData({ spark: { ...spark, source: 'console' } });
}

/** Notes the state of the run's Spark jobs. */
export function noteMoment(live: LiveRun, moment: SparkMoment, settings: SparkLinkSettings): void {
  const { spark, block } = live.run.data;
  // The next write stores it; it is not worth a write of its own.
  live.setData({
    spark: workAfter(spark, block, moment, Date.now(), sparkLinks(settings, moment.app, moment.job)),
  });
}
