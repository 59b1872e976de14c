import type { RunOutcome } from '../outcome.ts';
import type { Run } from '../run.ts';
import type { IdleNotices } from './kernel/idle-kernel.ts';
import type { SessionKernelDeps } from './kernel/session-kernel.ts';
import type { FinalMessages } from './run/final-message.ts';
import type { RunToEndDeps } from './run/run-to-end.ts';

/** What all kernel sessions share. */
export interface SessionDeps extends SessionKernelDeps, RunToEndDeps {
  finals: FinalMessages;
  /** A run has ended. */
  onEnded: (run: Run, outcome: RunOutcome) => void;
  notices: IdleNotices;
  /** Nothing of the session is left to remember. */
  onEmpty: (session: { readonly key: string }) => void;
  several: boolean;
  idleTimeoutMs: number | undefined;
}
