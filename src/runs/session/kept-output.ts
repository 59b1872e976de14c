import type { ExecutionCheckpoint } from '../../gateway/gateway.ts';
import type { Transcript } from '../../output/transcript.ts';

/** How much of a run's output is on a process's disk. A successor on another machine does not have it. */
export interface KeptOutput {
  keptBytes: number;
  keptParts: number;
}

/** To be asked before the transcript is sealed: that takes tables out of the text around them. */
export function keptOutput(transcript: Transcript): KeptOutput {
  const { textBytes, parts } = transcript.view();
  return { keptBytes: textBytes, keptParts: parts.length };
}

/** Whether what an earlier process kept is here. */
export function hasKept(transcript: Transcript, kept: KeptOutput | undefined): boolean {
  if (kept === undefined) return true;
  const { keptBytes, keptParts } = keptOutput(transcript);
  return keptBytes >= kept.keptBytes && keptParts >= kept.keptParts;
}

/** A checkpoint as the run record has it: what was received is `heard`. */
export interface StoredCheckpoint extends Omit<ExecutionCheckpoint, 'received'> {
  heard?: ExecutionCheckpoint['received'];
}

export function storedCheckpoint({ received, ...others }: ExecutionCheckpoint): StoredCheckpoint {
  return { ...others, heard: received };
}

export function readCheckpoint(stored: StoredCheckpoint | undefined): ExecutionCheckpoint | undefined {
  if (stored === undefined) return undefined;
  const { isWritten, heard, errorName, possibleGap } = stored;
  return { isWritten, received: heard, errorName, possibleGap };
}
