/** A call of the Web API, for tests to read. */
import type { Fault } from './faults.ts';

export interface ApiCall {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly startedAtMs: number;
  endedAtMs?: number;
  status?: number;
  /** The body of the answer, also if it was lost on the way. */
  answer?: Readonly<Record<string, unknown>>;
  /** Slack's error code if `ok` was false. */
  error?: string;
  fault?: Fault['kind'];
  /** Arguments that Slack does not know for this method, and ignores. */
  ignored: readonly string[];
}
