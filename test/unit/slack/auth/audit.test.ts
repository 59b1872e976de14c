import { expect, test } from 'vitest';
import type { AuditEntry } from '../../../../src/audit/audit.ts';
import { StoreError, UserError } from '../../../../src/errors.ts';
import { GatewayError } from '../../../../src/gateway/errors.ts';
import { withAudit } from '../../../../src/slack/auth/audit.ts';

function createPort() {
  const entries: AuditEntry[] = [];
  const record = (entry: AuditEntry): void => void entries.push(entry);
  const audit = { record, refuse: (_: unknown, entry: AuditEntry) => record(entry), close: async () => {} };
  return { entries, port: { workspace: 'T1', audit } };
}

const asked = { audit: 'command', act: 'restart', user: 'U1', channel: 'C1' };

test('a request has an audit line at its acceptance and one at its end', async () => {
  const { entries, port } = createPort();
  expect(await withAudit(asked, port, async () => entries.length)).toBe(1);
  expect(entries).toEqual([
    { event: 'request.accepted', workspace: 'T1', ...asked },
    { event: 'request.ended', workspace: 'T1', ...asked, outcome: 'ok' },
  ]);
});

test.each([
  [new UserError('notAllowed', 'Only admins may.'), 'notAllowed'],
  [new GatewayError('unreachable', 'ECONNREFUSED'), 'gateway.unreachable'],
  [new StoreError('silent', 'no answer'), 'store'],
  [new TypeError('x'), 'broken'],
])('%s is audited as a refusal with its code, never with its text', async (error, reason) => {
  const { entries, port } = createPort();
  const failing = withAudit(asked, port, async () => {
    throw error;
  });
  await expect(failing).rejects.toBe(error);
  expect(entries.at(-1)).toEqual({ event: 'request.refused', workspace: 'T1', ...asked, reason });
});
