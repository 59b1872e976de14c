import * as z from 'zod';
import { StoreError } from '../errors.ts';
import type { RunRecord } from './ledger.ts';

const storedRun = z.object({
  id: z.string(),
  workspace: z.string(),
  channel: z.string(),
  thread: z.string(),
  lane: z.string(),
  runner: z.string(),
  state: z.enum(['waiting', 'sending', 'sent', 'ended', 'posted']),
  order: z.coerce.number(),
  revision: z.coerce.number(),
  createdAt: z.coerce.number(),
  updatedAt: z.coerce.number(),
  data: z.string().transform((json) => JSON.parse(json)),
});

/** A run as a store keeps it (numbers may be text, `data` is JSON text) → the ledger's record. Throws `refused` when it is none. */
export function readRun<Data>(fields: unknown): RunRecord<Data> {
  try {
    return storedRun.parse(fields);
  } catch (error) {
    throw new StoreError('refused', 'A stored run cannot be read.', error);
  }
}
