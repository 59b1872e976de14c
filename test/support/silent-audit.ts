import type { Audit } from '../../src/audit/audit.ts';

/** An audit that nobody keeps, for parts that are used without one. */
export const silentAudit: Audit = {
  record: () => undefined,
  refuse: () => undefined,
  close: async () => undefined,
};
