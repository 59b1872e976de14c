import type { ExecutionEnd } from '../gateway/outputs.ts';
import type { RunState } from '../store/store.ts';

/** How a run ended, in the terms of its author. It is a value, never thrown. */
export interface RunOutcome {
  kind: OutcomeKind;
  /** From the kernel's first message about the run to its last; 0 if it never ran. */
  durationMs: number;
  /** The n of `In [n]`; absent if the kernel does not count. */
  executionCount?: number | undefined;
  /** The kernelspec that ran. */
  kernelspec: string;
  variablesLost: boolean;
  possibleGap: boolean;
  /** Slack user id of the person who interrupted or cancelled it. */
  stoppedBy?: string | undefined;
  /** Of a run with several blocks: the block that ended it, from 1. The blocks after it did not run. */
  endedBlock?: { number: number; of: number; unit?: 'cell' | undefined };
  /** A sentence for people: the gateway's reason, who stopped it, what to do next. No secret, no markup. */
  detail?: string | undefined;
}

/** The outcome of a run that did not run, or whose end the kernel did not report. */
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
  /** Stopped before the kernel got it. */
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

/** Why the bot stops a run. It is the reason of the run's abort signal. */
export type StopReason =
  | { kind: 'asked'; by: string }
  | { kind: 'timeout' }
  | { kind: 'tooMuchOutput' }
  | { kind: 'inputTimeout' }
  /** The message with the code was deleted. */
  | { kind: 'deleted' };

/** Whether a person stopped it. The other reasons are limits. */
export function isAboutStop(reason: StopReason): reason is StopReason & { kind: 'asked' | 'deleted' } {
  return reason.kind === 'asked' || reason.kind === 'deleted';
}

/** Reads the reason that is stored as `stoppedBy`. */
export function readStoppedBy(stoppedBy: string): StopReason {
  return stoppedBy === 'deleted' ? { kind: 'deleted' } : { kind: 'asked', by: stoppedBy };
}

/** How far a run has come, by its record. */
export interface ReachedState {
  /** `running`: the kernel has sent a message about it. */
  state: RunState;
  data: {
    kernelspec: string;
    startedAt?: number | undefined;
    executionCount?: number | undefined;
    /** The current block. The blocks before it have run. */
    block: number;
  };
}

/** The end of an execution, as far as it is known. */
export type KnownEnd = Pick<ExecutionEnd, 'kind'> & Partial<ExecutionEnd>;

/**
 * Turns the end of an execution, and our reason to stop it, into the outcome that the author reads. `wasWritten`: this
 * process wrote the request to an open websocket. Otherwise an earlier process may have written it, or not.
 */
export function readEnd(
  end: KnownEnd,
  stop: StopReason | undefined,
  { state, data }: ReachedState,
  wasWritten = false,
): RunOutcome {
  const [kind, detail] = kindOf(end, stop, state === 'running', wasWritten, data.block > 0);
  const endedAt = Date.now() - (end.lingeredMs ?? 0);
  return {
    kind,
    durationMs: data.startedAt === undefined ? 0 : Math.max(0, endedAt - data.startedAt),
    kernelspec: data.kernelspec,
    variablesLost: end.variablesLost ?? false,
    possibleGap: end.possibleGap ?? false,
    executionCount: end.executionCount ?? data.executionCount,
    stoppedBy:
      (kind === 'interrupted' || kind === 'cancelled') && stop?.kind === 'asked' ? stop.by : undefined,
    detail: detail ?? end.detail,
  };
}

function kindOf(
  { kind, detail }: KnownEnd,
  stop: StopReason | undefined,
  isKnownToRun: boolean,
  wasWritten: boolean,
  hasRun: boolean,
): [kind: OutcomeKind, detail?: string | undefined] {
  switch (kind) {
    case 'ok':
    case 'raised':
    case 'exited':
    case 'kernelRestarted':
      return [kind];
    case 'kernelDied':
    case 'kernelGone':
      if (isKnownToRun) return [kind];
      // A process that ends at once may not have sent its first message.
      if (kind === 'kernelDied' && wasWritten)
        return [kind, 'The kernel had sent nothing about this run yet.'];
      return ['unknown', 'The kernel was gone before it said anything of this.'];
    case 'gatewayAway':
      return [isKnownToRun ? kind : 'unknown'];
    case 'outputLost':
    case 'unknown':
      // The gateway does not repeat a message that an earlier process of the bot has received.
      return [isKnownToRun ? 'outputLost' : 'unknown'];
    case 'interrupted':
      return stop === undefined
        ? ['interrupted', 'The kernel was interrupted by somebody else, or by the code itself.']
        : stopped(stop);
    case 'aborted':
      return ['cancelled', 'The kernel turned it down because another client’s code had failed just before.'];
    case 'notSent':
    case 'writesPaused':
      if (stop !== undefined && hasRun) return stopped(stop);
      if (stop?.kind === 'timeout') return ['notStarted', 'The time limit passed before the kernel got it.'];
      if (stop !== undefined) return ['cancelled'];
      return hasRun
        ? [
            'interrupted',
            `The next block did not reach the kernel${detail === undefined ? '' : ` (${detail})`}.`,
          ]
        : ['notStarted'];
  }
}

function stopped(stop: StopReason): [kind: OutcomeKind] {
  switch (stop.kind) {
    case 'asked':
    case 'deleted':
      return ['interrupted'];
    case 'timeout':
      return ['timedOut'];
    case 'tooMuchOutput':
      return ['tooMuchOutput'];
    case 'inputTimeout':
      return ['inputTimedOut'];
  }
}
