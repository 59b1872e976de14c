import type { Gateway } from '../gateway/gateway.ts';
import { atMostEvery, type HealthCheck } from './health.ts';

/** However often probes ask, the gateway is asked no oftener than this. */
const GATEWAY_KEEP_MS = 5_000;
const GATEWAY_PATIENCE_MS = 2_500;

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

export function storeCheck(ledger: { ping: () => Promise<void> }, kind: string): HealthCheck {
  return async () => {
    await ledger.ping();
    return { ok: true, detail: `The ${kind} store answers.` };
  };
}
