import type { BoundedText } from '../../../../output/output-view.ts';

/** One line of a JVM's log or stack, in the forms that Spark 2 to 4 write to stderr. */
const logLine =
  /^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.<>/]+\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/;

/** A line of a worker's traceback, or of a plan, below a line of the log. */
const continuation = /^\s+\S/;

/** Whether stderr is mostly Spark's own log, which repeats what the error says. */
export function isSparkLog(text: BoundedText): boolean {
  const lines = (text.head + text.tail).split('\n').filter((line) => line.trim() !== '');
  const written = lines.filter((line) => logLine.test(line));
  const isEnough = written.length >= 3 || written.some((line) => line.startsWith('{"ts":'));
  let isWithin = false;
  const log = lines.filter(
    (line) => (isWithin = logLine.test(line) || (isWithin && continuation.test(line))),
  );
  return isEnough && log.join('').length >= lines.join('').length / 2;
}
