import { randomUUID } from 'node:crypto';
import type { NewRun } from '../../src/store/run-store.ts';

/** Stands for what runs/ keeps with a run. */
export interface Note {
  code: string;
  message?: string | null;
}

/** When the contract's runs are admitted, in ms since the epoch. */
export const at = 1_790_000_000_000;

/** A run to admit; what a test is about it names itself. */
export function newRun(over: Partial<NewRun<Note>> = {}): NewRun<Note> {
  return {
    id: randomUUID(),
    workspace: 'T1',
    channel: 'C1',
    thread: '1700000000.000100',
    lane: 'T1/C1/python3',
    runner: 'U1',
    createdAt: at,
    data: { code: 'sc.parallelize(range(10)).count()' },
    ...over,
  };
}
