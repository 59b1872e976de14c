import { createHash } from 'node:crypto';
import * as z from 'zod';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
import { parseJson } from '../text.ts';
import type { RunRecord } from './store.ts';

const storedRun = z.object({
  id: z.string(),
  workspace: z.string(),
  channel: z.string(),
  thread: z.string(),
  queue: z.string(),
  requester: z.string(),
  state: z.enum(['waiting', 'sending', 'running', 'ended', 'posted']),
  order: z.coerce.number(),
  createdAt: z.coerce.number(),
  updatedAt: z.coerce.number(),
  data: z.string(),
});
const identified = z.object({ id: z.string() });
const storedCode = z.array(z.string());

/** Turns stored JSON (undefined if it is damaged) into data. Never throws: one bad record must not block the others. */
export type ReadData<Data> = (stored: unknown) => Data;

export type RunReader<Data> = ReturnType<typeof createRunReader<Data>>;

/** Reads runs as a store returns them: numbers may be text, and `data` is JSON text. */
export function createRunReader<Data>(
  log: Log,
  readData: ReadData<Data> = (stored) => z.custom<Data>().parse(stored),
) {
  const one = (fields: unknown): RunRecord<Data> => {
    const read = storedRun.safeParse(fields);
    if (!read.success) throw new StoreError('refused', 'A stored run cannot be read.', read.error);
    return { ...read.data, data: readData(parseJson(read.data.data)) };
  };
  return {
    /** Throws `refused` if the fields are not those of a run. */
    one,
    /** Leaves out and logs what cannot be read. */
    all: (rows: readonly unknown[]): RunRecord<Data>[] =>
      rows.flatMap((row) => {
        try {
          return [one(row)];
        } catch (error) {
          log.error(
            { event: 'run.unparsed', err: error, run: identified.safeParse(row).data?.id },
            'a stored run cannot be read',
          );
          return [];
        }
      }),
    /** The blocks of code. Code that cannot be read is logged and counts as lost: nobody may wait for it for ever. */
    code: (json: string, runId: string): string[] | undefined => {
      const read = storedCode.safeParse(parseJson(json));
      if (read.success) return read.data;
      log.error({ event: 'run.uncoded', run: runId }, 'the stored code of a run cannot be read');
      return undefined;
    },
  };
}

const PREVIEW_LENGTH = 200;

/** What a run's data says about its code, so that a listing need not read the code. Lengths are in UTF-16 units. */
export function summarizeCode(code: readonly string[]) {
  const whole = code.join('\n\n');
  return {
    preview: whole.trimStart().slice(0, PREVIEW_LENGTH),
    codeLength: whole.length,
    /** Hex. The hash of the blocks, joined by empty lines. */
    codeSha256: createHash('sha256').update(whole).digest('hex'),
    blockCount: code.length,
  };
}
