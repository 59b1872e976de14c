import { DRIVER_HEADLINE } from '../../../../output/errors/hints.ts';
import { type BoundedText, type OutputPart, wholeText } from '../../../../output/output-view.ts';
import type { RunOutcome } from '../../../../runs/outcome.ts';
import type { RunView } from '../../../../runs/run-view.ts';
import { isVisible } from '../../rich-text.ts';
import { endOf } from '../run-text.ts';

type TextPart = OutputPart & { kind: 'text' };

/** Up to so many alternating pieces of stdout and stderr are shown separately. */
const STREAMS_APART = 8;

/** Moves stderr right before an error behind it: the error comes first. */
export function errorsFirst(parts: readonly OutputPart[]): OutputPart[] {
  const ordered: OutputPart[] = [];
  for (const part of parts) {
    const before =
      part.kind === 'error' ? ordered.splice(ordered.findLastIndex((each) => !isStderr(each)) + 1) : [];
    ordered.push(part, ...before);
  }
  return ordered;
}

/** Whether a part is a text without a visible character. */
export function isBlankPart(part: OutputPart): boolean {
  return part.kind === 'text' && part.text.hiddenChars === 0 && !isVisible(part.text.head + part.text.tail);
}

function isStderr(part: OutputPart): part is TextPart {
  return part.kind === 'text' && part.source === 'stderr';
}

/**
 * The parts to show, each with the output parts that it is made of. If not all fit (`isTooMuch`), results in a row
 * become one text, and so do many alternating pieces of stdout and stderr: a little of each would say nothing.
 */
export function joinParts(
  parts: readonly OutputPart[],
  isTooMuch: boolean,
): Map<OutputPart, readonly OutputPart[]> {
  if (!isTooMuch) return new Map(parts.map((part) => [part, [part]]));
  const joined = new Map<OutputPart, readonly OutputPart[]>();
  let row: TextPart[] = [];
  const endRow = (): void => {
    const isStreams = row[0]?.source !== 'result';
    if (row.length === 1 || (isStreams && row.length <= STREAMS_APART)) {
      for (const part of row) joined.set(part, [part]);
    } else if (row[0] !== undefined) {
      const text = isStreams ? joinStreams(row) : joinResults(row);
      joined.set({ ...row[0], ...(isStreams ? { source: 'stdout' } : {}), text: wholeText(text) }, row);
    }
    row = [];
  };
  for (const part of parts) {
    const key = rowOf(part);
    if (key === undefined || (row[0] !== undefined && rowOf(row[0]) !== key)) endRow();
    if (key !== undefined && part.kind === 'text') row.push(part);
    else joined.set(part, [part]);
  }
  endRow();
  return joined;
}

/** The key of the row that a part may be joined with; undefined if it is always shown alone. */
function rowOf(part: OutputPart): string | undefined {
  if (part.kind !== 'text' || part.text.hiddenChars > 0) return undefined;
  if (part.source === 'result') return `result ${part.path}`;
  return part.source === 'stdout' || part.source === 'stderr' ? 'streams' : undefined;
}

function joinResults(row: readonly TextPart[]): string {
  const texts = row.map(({ text: { head, tail } }) => `${head}${tail}`.replace(/\n$/, ''));
  return texts.join(texts.some((each) => each.includes('\n')) ? '\n\n' : '\n');
}

/** As on a terminal, but each piece begins a line. */
function joinStreams(row: readonly TextPart[]): string {
  return row.map(({ text: { head, tail } }) => `${head}${tail}`.replace(/\n?$/, '\n')).join('');
}

/**
 * How kernels report an interrupt: Python, its await, its debugger and its shell cells (`%%bash`), the JVM, and Py4J without
 * pinned threads, which fails at closing the connection.
 */
const INTERRUPTED =
  /^(?:Unknown Error: )?(?:[a-z_]+\.)*(?:KeyboardInterrupt\b|CancelledError\b|BdbQuit\b|InterruptedException\b|CalledProcessError: .* died with <Signals\.SIG(?:INT|TERM|KILL)\b|AttributeError: .* no attribute 'shutdown_socket')/;
/** How Spark reports a cancelled job, and Spark Connect a cancelled operation. */
const CANCELLED = /\bJob \d{1,10} cancelled\b|\[OPERATION_CANCELED\]/;

/** What Py4J logs about an interrupted call, each line with a traceback. */
const PY4J_LOG =
  /^\w{1,20}:[\w.]{1,60}:(?:KeyboardInterrupt while sending command|Exception occurred while shutting down connection)\.?$/;
const TRACEBACK = 'Traceback (most recent call last):';
/** The line between the exceptions of a traceback. */
const CHAIN = /^(?:During handling of the above|The above exception was)/;

/** A gateway interrupts the code before it ends the kernel. */
const TAKEN_AWAY: ReadonlySet<RunOutcome['kind']> = new Set(['kernelRestarted', 'kernelGone']);

/**
 * A stop that somebody asked for, or by a limit, is not an error: the kernel's report of it is left out, because the
 * status line tells it. The same holds if the kernel was restarted or removed during the run. An error that the code
 * raised while it was stopped stays, and so does an interrupt that nobody asked for.
 */
export function withoutStopTrace(view: RunView): RunView {
  const { phase, output } = view;
  if (phase.kind !== 'ended' || output === undefined) return view;
  const { outcome } = phase;
  const end = endOf(outcome);
  const wasAsked = end === 'limited' || (end === 'stopped' && outcome.stoppedBy !== undefined);
  if (!wasAsked && !TAKEN_AWAY.has(outcome.kind)) return view;
  const last = output.parts.findLast((part) => part.kind === 'error');
  const parts = output.parts
    .filter((part) => part !== last || part.kind !== 'error' || !saysInterrupted(part.headline))
    .flatMap(withoutPy4jTrace);
  return { ...view, output: { ...output, parts } };
}

/** After an interrupted call Py4J may report a broken connection. */
function saysInterrupted(headline: string): boolean {
  return INTERRUPTED.test(headline) || CANCELLED.test(headline) || headline === DRIVER_HEADLINE;
}

/** Returns no part if nothing else is left. */
function withoutPy4jTrace(part: OutputPart): OutputPart[] {
  if (part.kind !== 'text' || part.source !== 'stderr' || part.text.hiddenChars > 0) return [part];
  const lines = (part.text.head + part.text.tail).split('\n');
  const rest: string[] = [];
  for (let at = 0; at < lines.length;) {
    const end = PY4J_LOG.test(lines[at] ?? '') ? tracebackEnd(lines, at + 1) : at;
    if (end === at) rest.push(lines[at] ?? '');
    at = Math.max(end, at + 1);
  }
  if (rest.length === lines.length) return [part];
  const text = rest.join('\n');
  return text.trim() === '' ? [] : [{ ...part, text: wholeText(text) }];
}

/** The index after a traceback and those that it is chained to; `from` if there is none. */
function tracebackEnd(lines: readonly string[], from: number): number {
  if (lines[from] !== TRACEBACK) return from;
  let at = from + 1;
  while (lines[at]?.startsWith(' ') === true) at += 1;
  // The exception's own line.
  at += 1;
  return lines[at] === '' && CHAIN.test(lines[at + 1] ?? '') ? tracebackEnd(lines, at + 3) : at;
}

/** A line of a JVM's log or stack, as Spark 2 to 4 write them to stderr. */
const LOG_LINE =
  /^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.<>/]+\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/;

/** Python's `logging` dates its lines so: after a stop, and where they are few, they are the code's own. */
const PYTHONS_DATE = /^(?:\d{4}|\d\d-)/;

/** A line of a worker's traceback or of a plan, below a log line. */
const CONTINUATION = /^\s+\S/;

/** What Py4J logs and what PySpark's accumulator server prints when the driver is gone. */
const DRIVER_GONE =
  /^(?:(?:ERROR:[\w.]{1,60}:)?Exception while sending command\.\nTraceback |-{40}\nException occurred during processing of request from [^\n]{1,80}\n[^]*\/pyspark\/accumulators\.py")/;

/** Parts with Spark's log, which repeats an error, or a stop, at length: beside it they are only mentioned. */
export function readLogs(parts: readonly OutputPart[], hidesLog = false): ReadonlySet<OutputPart> {
  const hasError = parts.some((part) => part.kind === 'error');
  if (!hidesLog && !hasError) return new Set();
  const stderr = parts.filter(isStderr);
  const logs = stderr.filter(({ text }) => isSparkLog(text, 3, hasError));
  // Spark may tell of further tasks after the error.
  const late = logs.length === 0 ? [] : stderr.filter(({ text }) => isSparkLog(text, 1, false));
  return new Set([...logs, ...late]);
}

/** Whether stderr is mostly Spark's own log, with at least so many lines of it, which repeats what the error says. */
export function isSparkLog(text: BoundedText, least = 3, hasAnyDate = true): boolean {
  const isLine = (line: string): boolean => LOG_LINE.test(line) && (hasAnyDate || !PYTHONS_DATE.test(line));
  if (DRIVER_GONE.test(text.head)) return true;
  const lines = (text.head + text.tail).split('\n').filter((line) => line.trim() !== '');
  const written = lines.filter(isLine);
  const isEnough = written.length >= least || written.some((line) => line.startsWith('{"ts":'));
  let isWithin = false;
  const log = lines.filter((line) => (isWithin = isLine(line) || (isWithin && CONTINUATION.test(line))));
  return isEnough && log.join('').length >= lines.join('').length / 2;
}
