import { describe, expect, test } from 'vitest';
import type { ExecutionEnd } from '../../../src/gateway/outputs.ts';
import { readEnd } from '../../../src/runs/read-end.ts';

const end = (kind: ExecutionEnd['kind']): ExecutionEnd => ({
  kind,
  variablesLost: false,
  possibleGap: false,
  replyMissing: true,
  idleMissing: true,
});
const at = { kernelspec: 'python3', durationMs: 0, executionCount: undefined };

describe('an end that nobody saw', () => {
  test.each(['unknown', 'outputLost'] as const)('%s: it ran where the ledger says so', (kind) => {
    expect(readEnd(end(kind), undefined, { ...at, isKnownToRun: true }).kind).toBe('outputLost');
  });
  test.each(['unknown', 'outputLost'] as const)('%s: without a sign it is not known', (kind) => {
    expect(readEnd(end(kind), undefined, { ...at, isKnownToRun: false }).kind).toBe('unknown');
  });
});
