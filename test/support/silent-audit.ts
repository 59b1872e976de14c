import type { Audit } from '../../src/audit/audit.ts';

/** An audit that goes nowhere, for parts that are tested without one. */
export const silentAudit: Audit = {
  record: () => undefined,
  refuse: () => undefined,
  close: async () => undefined,
};
