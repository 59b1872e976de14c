/** One call of the Web API as a test reads it afterwards. */
import type { Fault } from './faults.ts';

export interface ApiCall {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly startedAtMs: number;
  endedAtMs?: number;
  status?: number;
  /** The body that was answered, also when the answer was lost on the way. */
  answer?: Readonly<Record<string, unknown>>;
  /** Slack's error code, when `ok` was false. */
  error?: string;
  fault?: Fault['kind'];
  /** Arguments that Slack does not know for this method and would pass over. */
  ignored: readonly string[];
}
