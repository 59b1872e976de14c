import { DRIVER_HEADLINE } from '../../../../output/errors/spark-loss.ts';
import { type OutputPart, wholeText } from '../../../../output/output-view.ts';
import type { RunView } from '../../../../runs/run-view.ts';
import { endOf } from '../run-text.ts';

/** What kernels say of an interrupt: Python, its await and its debugger, the JVM. */
const INTERRUPTED = /^(?:[a-z_]+\.)*(?:KeyboardInterrupt|CancelledError|BdbQuit|InterruptedException)\b/;

/** What Py4J logs of an interrupted call, each with a traceback of its own. */
const PY4J_LOG =
  /^\w{1,20}:[\w.]{1,60}:(?:KeyboardInterrupt while sending command|Exception occurred while shutting down connection)\.?$/;
const TRACEBACK = 'Traceback (most recent call last):';
/** Between the exceptions of one traceback. */
const CHAIN = /^(?:During handling of the above|The above exception was)/;

/**
 * A stop that somebody asked for, or a limit, is no error: how the kernel says it is left out, and the status line tells
 * it. An error that the code raised on its way out stays, and so does an interrupt that nobody asked for.
 */
export function withoutStopTrace(view: RunView): RunView {
  const { phase, output } = view;
  if (phase.kind !== 'ended' || output === undefined) return view;
  const end = endOf(phase.outcome);
  if (end !== 'limited' && (end !== 'stopped' || phase.outcome.stoppedBy === undefined)) return view;
  const last = output.parts.findLast((part) => part.kind === 'error');
  const parts = output.parts
    .filter((part) => part !== last || part.kind !== 'error' || !saysInterrupted(part.headline))
    .flatMap(withoutPy4jTrace);
  return { ...view, output: { ...output, parts } };
}

/** Of a call that was interrupted, Py4J may say that its connection broke. */
function saysInterrupted(headline: string): boolean {
  return INTERRUPTED.test(headline) || headline === DRIVER_HEADLINE;
}

/** No part where nothing else was said. */
function withoutPy4jTrace(part: OutputPart): OutputPart[] {
  if (part.kind !== 'text' || part.source !== 'stderr' || part.text.hiddenChars > 0) return [part];
  const lines = (part.text.head + part.text.tail).split('\n');
  const others: string[] = [];
  for (let at = 0; at < lines.length;) {
    const end = PY4J_LOG.test(lines[at] ?? '') ? tracebackEnd(lines, at + 1) : at;
    if (end === at) others.push(lines[at] ?? '');
    at = Math.max(end, at + 1);
  }
  if (others.length === lines.length) return [part];
  const rest = others.join('\n');
  return rest.trim() === '' ? [] : [{ ...part, text: wholeText(rest) }];
}

/** The line behind a traceback, and behind those that it is chained to; `from` where there is none. */
function tracebackEnd(lines: readonly string[], from: number): number {
  if (lines[from] !== TRACEBACK) return from;
  let at = from + 1;
  while (lines[at]?.startsWith(' ') === true) at += 1;
  // The exception's own line.
  at += 1;
  return lines[at] === '' && CHAIN.test(lines[at + 1] ?? '') ? tracebackEnd(lines, at + 3) : at;
}
