import { z } from 'zod';
import type { FoldStep, KeptPicture, StreamName } from '../output-model.ts';
import type { SpoolRange } from '../output-view.ts';

/**
 * One line of a run's journal: what happened when the stream spool held `at` bytes. With the spool it is enough to
 * make the picture again after a crash. A journal that has grown long is begun anew with the picture as it is.
 */
export type JournalLine = { at: number } & (
  | { source: StreamName }
  | { step: FoldStep }
  /** `last`: the stream that was written last. */
  | { picture: KeptPicture; last: StreamName | undefined }
);

const text = z.object({
  head: z.string(),
  tail: z.string(),
  hiddenLines: z.number(),
  hiddenChars: z.number(),
});
const path = z
  .string()
  .optional()
  .transform((value): string | undefined => value);

const streamName = z.enum(['stdout', 'stderr']);

const range = z.object({ from: z.number(), to: z.number() });
const kept = range.optional().transform((value): SpoolRange | undefined => value);

const part = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('text'),
    source: z.enum(['stdout', 'stderr', 'result', 'pager', 'nextInput']),
    text,
    path,
    kept,
  }),
  z.object({
    kind: z.literal('error'),
    headline: z.string(),
    userLine: path,
    cause: path,
    traceback: text,
    isFolded: z.boolean().default(true),
    path,
    kept,
    hint: path,
  }),
  z.object({
    kind: z.literal('image'),
    mime: z.enum(['image/png', 'image/jpeg', 'image/gif']),
    path: z.string(),
    alt: z.string(),
  }),
  z.object({
    kind: z.literal('table'),
    columns: z.array(z.string()),
    rows: z.array(z.array(z.string())),
    sentRows: z.number(),
    totalRows: z.number(),
    totalColumns: z
      .number()
      .optional()
      .transform((value): number | undefined => value),
    note: path,
    csvPath: path,
    text,
    path,
    kept,
  }),
  z.object({ kind: z.literal('attachment'), filename: z.string(), path: z.string(), mime: z.string() }),
]);

const loss = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('dropped'), limit: z.enum(['data', 'messages']) }),
  z.object({ kind: z.literal('tooBig'), messages: z.number() }),
  z.object({ kind: z.literal('gap'), fromMs: z.number(), toMs: z.number() }),
  z.object({ kind: z.literal('diskFull') }),
  z.object({ kind: z.literal('unread'), outputs: z.number() }),
  z.object({ kind: z.literal('tooMany'), parts: z.number(), streams: z.boolean().default(true), path }),
]);

const texts = z.object({ path, ranges: z.array(range) });

const picture = z.object({
  entries: z.array(
    z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('stream'),
        name: streamName,
        spooled: range,
        takenBack: path,
      }),
      z.object({ kind: z.literal('shown'), parts: z.array(part), displayId: path }),
    ]),
  ),
  isClearPending: z.boolean(),
  crowdedOut: z.object({
    entries: z.number(),
    streams: z.boolean(),
    results: texts,
    tracebacks: texts,
    files: z.array(z.string()),
    displayIds: z.array(z.string()),
  }),
  losses: z.array(loss),
});

const step = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('show'), parts: z.array(part), displayId: path, printed: path }),
  z.object({ kind: z.literal('update'), displayId: z.string(), parts: z.array(part) }),
  z.object({ kind: z.literal('clear'), wait: z.boolean() }),
  z.object({ kind: z.literal('loss'), loss }),
]);

const line = z.union([
  z.object({ at: z.number(), source: streamName }),
  z.object({ at: z.number(), step }),
  z.object({
    at: z.number(),
    picture,
    last: streamName.optional().transform((value): StreamName | undefined => value),
  }),
]);

/** The lines that are whole; a line torn by a crash ends the journal. */
export function readJournal(content: string): JournalLine[] {
  const lines: JournalLine[] = [];
  for (const written of content.split('\n')) {
    const read = line.safeParse(parseJson(written));
    if (!read.success) return lines;
    lines.push(read.data);
  }
  return lines;
}

function parseJson(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}
