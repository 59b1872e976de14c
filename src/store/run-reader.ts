import { createHash } from 'node:crypto';
import * as z from 'zod';
import { StoreError } from '../errors.ts';
import type { Log } from '../log.ts';
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

/** Stored JSON, or undefined where there is none → what it means. Never throws: one bad record blocks nobody. */
export type ReadData<Data> = (stored: unknown) => Data;

export type RunReader<Data> = ReturnType<typeof createRunReader<Data>>;

/** Reads runs as a store keeps them: numbers may be text, `data` is JSON text. Without `readData` that is taken as it is. */
export function createRunReader<Data>(log: Log, readData?: ReadData<Data>) {
  const toData = (json: string): Data => {
    const stored = parseLoosely(json);
    return readData === undefined ? stored : readData(stored);
  };
  const one = (fields: unknown): RunRecord<Data> => {
    const read = storedRun.safeParse(fields);
    if (!read.success) throw new StoreError('refused', 'A stored run cannot be read.', read.error);
    return { ...read.data, data: toData(read.data.data) };
  };
  return {
    /** Throws `refused` when it is none. */
    one,
    /** Those that are runs: another one is logged, and hides none of them. */
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
  };
}

/** Throws `refused` when it is no code. */
export function readCode(json: string): string[] {
  const read = storedCode.safeParse(parseLoosely(json));
  if (!read.success) throw new StoreError('refused', 'The stored code of a run cannot be read.');
  return read.data;
}

export function parseLoosely(json: string) {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const PREVIEW_LENGTH = 200;

/** What is said of code in a run's data, so that a listing need not read it. Lengths are in UTF-16 units. */
export function summarizeCode(code: readonly string[]) {
  const whole = code.join('\n\n');
  return {
    preview: whole.trimStart().slice(0, PREVIEW_LENGTH),
    codeLength: whole.length,
    /** Hex; of the blocks with an empty line between them. */
    codeSha256: createHash('sha256').update(whole).digest('hex'),
    blockCount: code.length,
  };
}
