import { randomUUID } from 'node:crypto';
import type { Gateway } from '../gateway/gateway.ts';
import type { Lease } from '../store/run-store.ts';
import { atMostEvery, type HealthCheck } from './health.ts';

/** However often probes ask, the gateway is asked no oftener than this. */
const GATEWAY_KEEP_MS = 5_000;
const GATEWAY_PATIENCE_MS = 2_500;
/** What a check writes is forgotten after this. */
const LEASE_MS = 60_000;

/**
 * Whether the gateway answers and takes our credentials. Its kernelspecs are asked for and not `GET api`, because Knox
 * has no route for that and Jupyter Server answers it to anybody (protocol.md §1.1, §1.5).
 */
export function gatewayCheck(gateway: Pick<Gateway, 'readKernelspecs'>): HealthCheck {
  return atMostEvery(GATEWAY_KEEP_MS, async () => {
    const { list } = await gateway.readKernelspecs(AbortSignal.timeout(GATEWAY_PATIENCE_MS));
    return { ok: true, detail: `It offers ${list.length} kernelspec${list.length === 1 ? '' : 's'}.` };
  });
}

interface LeaseGiver {
  lease: (name: string, owner: string, ttlMs: number, nowMs: number) => Promise<Lease>;
}

/** Whether the store takes a write: one that can only be read, such as on a full disk, accepts no snippet. */
export function storeCheck(ledger: LeaseGiver, kind: string): HealthCheck {
  // Nobody else's, so that it is written each time.
  const owner = randomUUID();
  return async () => {
    await ledger.lease(`readiness ${owner}`, owner, LEASE_MS, Date.now());
    return { ok: true, detail: `The ${kind} store answers.` };
  };
}
