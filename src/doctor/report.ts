/** What one check found: a line for an operator, and for a failure what to do. */
export interface Finding {
  what: string;
  verdict: 'ok' | 'failed' | 'skipped';
  text: string;
  /** The one thing to change. */
  remedy?: string;
}

export interface Report {
  /** Something that takes a while has begun. */
  progress(text: string): void;
  tell(finding: Finding): void;
  /** A sentence that is no check. */
  note(text: string): void;
  readonly failures: number;
}

const widthOfWhat = 20;

/** Writes each finding as one line. On a terminal the progress stands in the last line until the next finding. */
export function startReport(write: (text: string) => void, isTerminal: boolean): Report {
  let failures = 0;
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
    tell({ what, verdict, text, remedy }) {
      if (verdict === 'failed') failures += 1;
      const head = `${verdict.padEnd(8)}${what.padEnd(widthOfWhat)}`;
      line(
        remedy === undefined ? `${head} ${text}` : `${head} ${text}\n${' '.repeat(head.length)} → ${remedy}`,
      );
    },
    note: (text) => line(`note    ${text}`),
    get failures() {
      return failures;
    },
  };
}
