import { ownFileOf, sharedKindOf } from './output-view.ts';
import type { OutputLoss, OutputPart, SpoolRange } from './output-view.ts';

/** What a run shows beyond what a picture can hold, and where it is kept. Plain JSON. */
export interface CrowdedOut {
  entries: number;
  /** Some are streams, which stand in the spool. */
  streams: boolean;
  results: CrowdedTexts;
  tracebacks: CrowdedTexts;
  /** Pictures, tables as CSV, other files: their paths, in order. */
  files: string[];
  /** The newest of their displays, which may still be updated. */
  displayIds: string[];
}

interface CrowdedTexts {
  path: string | undefined;
  ranges: SpoolRange[];
}

const displaysKept = 1_000;

export function noneCrowdedOut(): CrowdedOut {
  return {
    entries: 0,
    streams: false,
    results: { path: undefined, ranges: [] },
    tracebacks: { path: undefined, ranges: [] },
    files: [],
    displayIds: [],
  };
}

/** Takes in an entry: its parts, or none where it is a stream. */
export function crowdOut(
  crowd: CrowdedOut,
  parts: readonly OutputPart[] | undefined,
  displayId: string | undefined,
): void {
  crowd.entries += 1;
  if (parts === undefined) crowd.streams = true;
  if (displayId !== undefined && !crowd.displayIds.includes(displayId)) crowd.displayIds.push(displayId);
  if (crowd.displayIds.length > displaysKept) crowd.displayIds.shift();
  for (const part of parts ?? []) {
    const kind = sharedKindOf(part);
    if (kind !== undefined && 'kept' in part && part.kept !== undefined) {
      crowd[kind].path ??= part.path;
      addRange(crowd[kind].ranges, part.kept);
    }
    const path = ownFileOf(part);
    if (path !== undefined) crowd.files.push(path);
  }
}

/** Texts that follow each other on the disk are one range; the parts of one text have the same. */
function addRange(ranges: SpoolRange[], { from, to }: SpoolRange): void {
  const last = ranges.at(-1);
  if (last !== undefined && from >= last.from && to <= last.to) return;
  if (last?.to === from) last.to = to;
  else ranges.push({ from, to });
}

export function lossOf(crowd: CrowdedOut): OutputLoss[] {
  const { entries, streams, results } = crowd;
  return entries === 0 ? [] : [{ kind: 'tooMany', parts: entries, streams, path: results.path }];
}
