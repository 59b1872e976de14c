const WHAT_WIDTH = 20;

/** The results of the checks for an operator: one line each, and for a failure what to change. */
export type Report = ReturnType<typeof startReport>;

/** Writes each result as one line. On a terminal the progress is the last line until the next result. */
export function startReport(write: (text: string) => void, isTerminal: boolean) {
  let failures = 0;
  let checks = 0;
  let isPending = false;
  const line = (text: string): void => {
    write(`${isPending ? '\r\u001b[K' : ''}${text}\n`);
    isPending = false;
  };
  return {
    /** Announces a step that takes a while. */
    progress(text: string): void {
      if (!isTerminal) return line(`   …  ${text}`);
      write(`${isPending ? '\r\u001b[K' : ''}   …  ${text}`);
      isPending = true;
    },
    ok(what: string, text: string): void {
      checks += 1;
      line(`${headOf('ok', what)} ${text}`);
    },
    /** Without a remedy if the next failure has the same. */
    failed(what: string, text: string, remedy?: string): void {
      checks += 1;
      failures += 1;
      const head = headOf('failed', what);
      line(`${head} ${text}${remedy === undefined ? '' : `\n${' '.repeat(head.length)} → ${remedy}`}`);
    },
    skipped: (what: string, text: string) => line(`${headOf('skipped', what)} ${text}`),
    /** A sentence that is not the result of a check. */
    note: (text: string) => line(`note    ${text}`),
    /** The number of checks and of failures. */
    sum: () => line(`${failures} of ${checks} checks failed.`),
    get failures() {
      return failures;
    },
  };
}

function headOf(verdict: string, what: string): string {
  return `${verdict.padEnd(8)}${what.padEnd(WHAT_WIDTH)}`;
}
