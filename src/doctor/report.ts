/** What the checks found: a line each for an operator, and for a failure the one thing to change. */
export interface Report {
  /** Something that takes a while has begun. */
  progress(text: string): void;
  ok(what: string, text: string): void;
  /** Without a remedy where the next failure's is the same. */
  failed(what: string, text: string, remedy?: string): void;
  skipped(what: string, text: string): void;
  /** A sentence that is no check. */
  note(text: string): void;
  /** How many checks there were, and how many of them failed. */
  sum(): void;
  readonly failures: number;
}

const WHAT_WIDTH = 20;

/** Writes each finding as one line. On a terminal the progress stands in the last line until the next finding. */
export function startReport(write: (text: string) => void, isTerminal: boolean): Report {
  let failures = 0;
  let checks = 0;
  let isPending = false;
  const line = (text: string): void => {
    write(`${isPending ? '\r\u001b[K' : ''}${text}\n`);
    isPending = false;
  };
  return {
    progress(text) {
      if (!isTerminal) return line(`   …  ${text}`);
      write(`${isPending ? '\r\u001b[K' : ''}   …  ${text}`);
      isPending = true;
    },
    ok(what, text) {
      checks += 1;
      line(`${headOf('ok', what)} ${text}`);
    },
    failed(what, text, remedy) {
      checks += 1;
      failures += 1;
      const head = headOf('failed', what);
      line(`${head} ${text}${remedy === undefined ? '' : `\n${' '.repeat(head.length)} → ${remedy}`}`);
    },
    skipped: (what, text) => line(`${headOf('skipped', what)} ${text}`),
    note: (text) => line(`note    ${text}`),
    sum: () => line(`${failures} of ${checks} checks failed.`),
    get failures() {
      return failures;
    },
  };
}

function headOf(verdict: string, what: string): string {
  return `${verdict.padEnd(8)}${what.padEnd(WHAT_WIDTH)}`;
}
