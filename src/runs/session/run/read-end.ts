import type { ExecutionEnd } from '../../../gateway/outputs.ts';
import type { OutcomeKind, RunOutcome } from '../../outcome.ts';

/** Why we stopped a run; the abort reason that travels on its signal. */
export type StopReason =
  | { kind: 'asked'; by: string }
  | { kind: 'timeout' }
  | { kind: 'tooMuchOutput' }
  | { kind: 'inputTimeout' }
  /** The message it came from was deleted. */
  | { kind: 'deleted' };

/** Somebody wants it stopped; the other reasons are limits. */
export function isAboutStop(reason: StopReason): reason is StopReason & { kind: 'asked' | 'deleted' } {
  return reason.kind === 'asked' || reason.kind === 'deleted';
}

/** The reason that the store keeps as `stoppedBy`. */
export function readStoppedBy(stoppedBy: string): StopReason {
  return stoppedBy === 'deleted' ? { kind: 'deleted' } : { kind: 'asked', by: stoppedBy };
}

export interface EndedAt {
  kernelspec: string;
  durationMs: number;
  executionCount: number | undefined;
  /** The store says `running`: the kernel has sent a message about it. */
  isKnownToRun: boolean;
  /** This process wrote it to an open websocket. By default false: an earlier one may have, or may not. */
  wasWritten?: boolean;
  /** A block before this one has run. */
  hasRun?: boolean;
}

/** An execution's end and our own part in it → how the run ended, as its author reads it. */
export function readEnd(
  end: Pick<ExecutionEnd, 'kind'> & Partial<ExecutionEnd>,
  stop: StopReason | undefined,
  at: EndedAt,
): RunOutcome {
  const [kind, detail] = kindOf(end, stop, at);
  const executionCount = end.executionCount ?? at.executionCount;
  const said = detail ?? end.detail;
  return {
    kind,
    durationMs: at.durationMs,
    kernelspec: at.kernelspec,
    variablesLost: end.variablesLost ?? false,
    possibleGap: end.possibleGap ?? false,
    ...(executionCount === undefined ? {} : { executionCount }),
    ...((kind === 'interrupted' || kind === 'cancelled') && stop?.kind === 'asked'
      ? { stoppedBy: stop.by }
      : {}),
    ...(said === undefined ? {} : { detail: said }),
  };
}

function kindOf(
  { kind, detail }: Pick<ExecutionEnd, 'kind'> & Partial<ExecutionEnd>,
  stop: StopReason | undefined,
  { isKnownToRun, wasWritten = false, hasRun = false }: EndedAt,
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
      // A process that ends at once takes its word of the start with it.
      if (kind === 'kernelDied' && wasWritten) return [kind, 'It had said nothing of this yet.'];
      return ['unknown', 'The kernel was gone before it said anything of this.'];
    case 'gatewayAway':
      return [isKnownToRun ? kind : 'unknown'];
    case 'outputLost':
    case 'unknown':
      // A sign that an earlier process saw is not repeated by the gateway.
      return [isKnownToRun ? 'outputLost' : 'unknown'];
    case 'interrupted':
      return stop === undefined
        ? ['interrupted', 'The kernel was interrupted by somebody else, or by the code itself.']
        : stopped(stop);
    case 'aborted':
      return ['cancelled', 'The kernel turned it down because another client’s code had failed just before.'];
    case 'notSent':
      if (stop !== undefined) return hasRun ? stopped(stop) : ['cancelled'];
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
