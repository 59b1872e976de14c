import type { Ledger } from '../../store/run-store.ts';
import type { RunData } from '../run.ts';

/** The ledger forgets no delivery: a failed attempt is marked, and the next one has a key of its own. */
export async function claimAttempt(ledger: Ledger<RunData>, request: string): Promise<boolean> {
  for (let failures = 0; ; failures += 1) {
    const attempt = failures === 0 ? request : `${request}/${failures}`;
    if (await ledger.claim(attempt, Date.now())) return true;
    if ((await ledger.findDelivery(`${attempt}/failed`)) === undefined) return false;
  }
}

export async function markFailed(ledger: Ledger<RunData>, request: string): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    const attempt = failures === 0 ? request : `${request}/${failures}`;
    if (await ledger.claim(`${attempt}/failed`, Date.now())) return;
  }
}
