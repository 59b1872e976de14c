import type { BoundedText } from '../output-view.ts';

/** One line of a JVM's log or stack, in the forms that Spark 2 to 4 write to stderr. */
const logLine =
  /^(\d\d(\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S* \[?(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b|\{"ts":|\s+at [\w$.]+[\w$<>/]*\(|\s*\.\.\. \d+ more|Caused by: |[a-z]\w*(\.[\w$]+){2,}(: |$))/;

/** Whether stderr is mostly Spark's own log, which repeats what the error says. */
export function isSparkLog(text: BoundedText): boolean {
  const lines = (text.head + text.tail).split('\n').filter((line) => line.trim() !== '');
  const log = lines.filter((line) => logLine.test(line));
  const isEnough = log.length >= 3 || log.some((line) => line.startsWith('{"ts":'));
  return isEnough && log.join('').length >= lines.join('').length / 2;
}
