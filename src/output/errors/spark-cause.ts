/**
 * The cause that Spark wraps: the exception of the Python worker or of the JVM task, or the last `Caused by`. Undefined
 * when nothing is wrapped.
 */
export function sparkCause(value: string): string | undefined {
  if (value.startsWith('Traceback')) return undefined;
  const tracebacks = value.matchAll(/Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)+(\w\S*.*)/g);
  const worker = [...tracebacks].at(-1)?.[1]?.replace(/^([a-z_]\w*\.)+(?=[A-Z])/, '');
  if (worker !== undefined) return `${worker} (in a Spark task)`;
  const task = /Job aborted due to stage failure: [^\n]*?\(TID \d+\) \([^)]*\): ([^\n]+)/.exec(value)?.[1];
  if (task !== undefined) return `${task} (in a Spark task)`;
  const called = /^An error occurred while calling [^\n]*\n: ([^\n]+)/.exec(value)?.[1];
  if (called === undefined) return undefined;
  return [...value.matchAll(/^Caused by: ([^\n]+)/gm)].at(-1)?.[1] ?? called;
}

/** The message without Spark's query plan and its quotation of the SQL. */
export function withoutPlan(value: string): string {
  const lines = value.trim().split('\n');
  const plan = lines.findIndex((line) => /^('|\+- |== |JVM stacktrace:|!?[A-Z]\w+ \[)/.test(line));
  const kept = plan > 0 ? lines.slice(0, plan) : lines;
  return kept.join('\n').trim().replace(/;$/, '');
}

/** Where in the SQL it is, as Spark marks it below its message; may be empty. */
export function quotedSql(value: string): string {
  return /^== SQL[^]*?(?=^(?:'|\+- |JVM stacktrace:)|(?![^]))/m.exec(value)?.[0].trim() ?? '';
}
