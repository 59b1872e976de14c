import { randomUUID } from 'node:crypto';
import type { NewRun, RunRecord, RunStore } from '../../src/store/store.ts';

/** Stands for what runs/ stores with a run. */
export interface Note {
  note: string;
  message?: string | null;
}

/** When the contract's runs are accepted, in ms since the epoch. */
export const at = 1_790_000_000_000;

/** A run to accept; what a test is about it names itself. */
export function newRun(over: Partial<NewRun<Note>> = {}): NewRun<Note> {
  return {
    id: randomUUID(),
    workspace: 'T1',
    channel: 'C1',
    thread: '1700000000.000100',
    queue: 'T1/C1/python3',
    requester: 'U1',
    createdAt: at,
    data: { note: 'a run' },
    code: ['sc.parallelize(range(10)).count()'],
    ...over,
  };
}

/** Accepts a run that must be accepted. */
export async function accepted(
  runs: RunStore<Note>,
  over: Partial<NewRun<Note>> = {},
  requestKey: string = randomUUID(),
): Promise<RunRecord<Note>> {
  const run = newRun(over);
  const acceptance = await runs.accept(requestKey, run);
  if (acceptance.kind !== 'accepted') throw new Error(`not accepted but ${acceptance.kind}`);
  return recordOf(run, acceptance.order);
}

/** The record of a run that was accepted just now. */
export function recordOf({ code: _code, ...run }: NewRun<Note>, order: number): RunRecord<Note> {
  return { ...run, state: 'waiting', order, updatedAt: run.createdAt };
}
