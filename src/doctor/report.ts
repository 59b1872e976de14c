const WHAT_WIDTH = 20;

/** What the checks found: a line each for an operator, and for a failure the one thing to change. */
export type Report = ReturnType<typeof startReport>;

/** Writes each finding as one line. On a terminal the progress stands in the last line until the next finding. */
export function startReport(write: (text: string) => void, isTerminal: boolean) {
  let failures = 0;
  let checks = 0;
  let isPending = false;
  const line = (text: string): void => {
    write(`${isPending ? '\r\u001b[K' : ''}${text}\n`);
    isPending = false;
  };
  return {
    /** Something that takes a while has begun. */
    progress(text: string): void {
      if (!isTerminal) return line(`   …  ${text}`);
      write(`${isPending ? '\r\u001b[K' : ''}   …  ${text}`);
      isPending = true;
    },
    ok(what: string, text: string): void {
      checks += 1;
      line(`${headOf('ok', what)} ${text}`);
    },
    /** Without a remedy where the next failure's is the same. */
    failed(what: string, text: string, remedy?: string): void {
      checks += 1;
      failures += 1;
      const head = headOf('failed', what);
      line(`${head} ${text}${remedy === undefined ? '' : `\n${' '.repeat(head.length)} → ${remedy}`}`);
    },
    skipped: (what: string, text: string) => line(`${headOf('skipped', what)} ${text}`),
    /** A sentence that is no check. */
    note: (text: string) => line(`note    ${text}`),
    /** How many checks there were, and how many of them failed. */
    sum: () => line(`${failures} of ${checks} checks failed.`),
    get failures() {
      return failures;
    },
  };
}

function headOf(verdict: string, what: string): string {
  return `${verdict.padEnd(8)}${what.padEnd(WHAT_WIDTH)}`;
}
