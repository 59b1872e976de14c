import { DRIVER_HEADLINE } from '../../../../output/errors/spark-loss.ts';
import { type OutputPart, wholeText } from '../../../../output/output-view.ts';
import type { RunView } from '../../../../runs/run-view.ts';
import { endOf } from '../run-text.ts';

/** What kernels say of an interrupt: Python, its await and its debugger, the JVM. */
const INTERRUPTED = /^(?:[a-z_]+\.)*(?:KeyboardInterrupt|CancelledError|BdbQuit|InterruptedException)\b/;

/** Py4J logs the interrupt with a traceback of its own, which ends with the exception. */
const PY4J_START = 'KeyboardInterrupt while sending command';
const PY4J_END = '\nKeyboardInterrupt\n';

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
    .map(withoutPy4jTrace);
  return { ...view, output: { ...output, parts } };
}

/** Of a call that was interrupted, Py4J may say that its connection broke. */
function saysInterrupted(headline: string): boolean {
  return INTERRUPTED.test(headline) || headline === DRIVER_HEADLINE;
}

function withoutPy4jTrace(part: OutputPart): OutputPart {
  if (part.kind !== 'text' || part.source !== 'stderr' || part.text.hiddenChars > 0) return part;
  const text = part.text.head + part.text.tail;
  const named = text.indexOf(PY4J_START);
  if (named === -1) return part;
  const start = text.lastIndexOf('\n', named) + 1;
  const end = `${text}\n`.indexOf(PY4J_END, start);
  if (end === -1) return part;
  const rest = `${text.slice(0, start)}${text.slice(end + PY4J_END.length)}`;
  return { ...part, text: wholeText(rest) };
}
