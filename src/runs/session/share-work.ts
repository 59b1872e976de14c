import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Log } from '../../log.ts';
import type { Ledger } from '../../store/run-store.ts';
import { type LaneLeases, SharedLeases, soleLeases } from './lane-leases.ts';
import type { RunData } from '../run.ts';

/** A dead process's lanes are free after this at the latest. */
const LEASE_MS = 12_000;
/** How often a process looks for lanes that nobody holds: with the lease's life well under the promised 30 s. */
const LOOK_MS = 8_000;
const LANE_TOPIC = 'lane';
const LINE_TOPIC = 'line';

/** A line for a kernel that asked; on its way to the process that runs it, kept nowhere. */
const typedLineSchema = z.object({ runId: z.string(), questionId: z.string(), line: z.string() });
export type TypedLine = z.infer<typeof typedLineSchema>;

/** What a process does with the work that others on the same store have or leave. */
export interface WorkSharing {
  leases: LaneLeases;
  /** Tells the others that a lane has news. */
  announce: (lane: string) => void;
  /** Brings the others a line that one of their kernels asked for. */
  pass: (typed: TypedLine) => Promise<void>;
  /** Begins to listen, and to look for what a dead process left. */
  start: (work: SharedWork) => void;
  stop: () => void;
}

export interface SharedWork {
  recover: () => Promise<unknown>;
  hear: (lane: string) => Promise<void>;
  answer: (typed: TypedLine) => Promise<unknown>;
  letGo: (lane: string) => Promise<void>;
}

/** For a store of one process: everything is ours and there is nobody to tell. */
export const soleWork: WorkSharing = {
  leases: soleLeases,
  announce: () => {},
  pass: async () => {},
  start: () => {},
  stop: () => {},
};

/** For a store that several processes share. */
export function shareWork(ledger: Ledger<RunData>, log: Log): WorkSharing {
  const owner = randomUUID();
  let work: SharedWork | undefined;
  let looking: NodeJS.Timeout | undefined;
  let deaf: (() => void) | undefined;
  const failed = (what: string) => (error: unknown) => log.warn({ err: error }, what);
  const onLost = (lane: string): void => {
    log.warn({ lane }, 'a lease was lost; its kernel is let go');
    work?.letGo(lane).catch(failed('a lane was not let go cleanly'));
  };
  const leases = new SharedLeases({ ledger, owner, ttlMs: LEASE_MS, onLost, log });
  return {
    leases,
    announce: (lane) =>
      void ledger.signal(LANE_TOPIC, lane).catch(failed('the other processes were not told')),
    pass: (typed) => ledger.signal(LINE_TOPIC, JSON.stringify(typed)),
    start(shared) {
      work = shared;
      deaf = ledger.onSignal((topic, payload) => {
        if (topic === LANE_TOPIC) shared.hear(payload).catch(failed('news of a lane was not taken in'));
        if (topic === LINE_TOPIC)
          shared.answer(typedLineSchema.parse(JSON.parse(payload))).catch(failed('a line was not given'));
      });
      const look = async (): Promise<void> => {
        await shared.recover();
        // A signal reaches who listens at that moment: what was wished meanwhile stands in the ledger.
        for (const lane of leases.held) await shared.hear(lane);
      };
      looking = setInterval(() => void look().catch(failed('could not look for left work')), LOOK_MS);
    },
    stop() {
      clearInterval(looking);
      deaf?.();
    },
  };
}
