/** How a run ended, as its author reads it. Not an error: a value. */
export interface RunOutcome {
  kind: OutcomeKind;
  /** From the kernel's first sign to the end; 0 when it never ran. */
  durationMs: number;
  /** `In [n]`, absent where the kernel does not count. */
  executionCount?: number;
  /** The kernelspec that ran. */
  kernelspec: string;
  variablesLost: boolean;
  possibleGap: boolean;
  /** Slack user id of who interrupted or cancelled it. */
  stoppedBy?: string;
  /** Of a run with several blocks: the one that ended it, from 1. Those behind it did not run. */
  endedBlock?: { number: number; of: number; unit?: 'cell' };
  /** A sentence for people: the gateway's reason, who stopped it, what to do next. No secret, no markup. */
  detail?: string;
}

/** An end that the kernel had no part in. */
export function syntheticOutcome(kind: OutcomeKind, kernelspec: string): RunOutcome {
  return { kind, durationMs: 0, kernelspec, variablesLost: false, possibleGap: false };
}

export type OutcomeKind =
  | 'ok'
  | 'raised'
  | 'interrupted'
  /** RUN_TIMEOUT. */
  | 'timedOut'
  /** MAX_OUTPUT reached, interrupted. */
  | 'tooMuchOutput'
  /** INPUT_TIMEOUT. */
  | 'inputTimedOut'
  /** Taken back before the kernel got it. */
  | 'cancelled'
  | 'exited'
  | 'kernelDied'
  | 'kernelRestarted'
  | 'kernelGone'
  | 'notStarted'
  | 'gatewayAway'
  | 'outputLost'
  /** "It is not known whether this ran". */
  | 'unknown'
  | 'broken';
