import { describe, expect, test, vi } from 'vitest';
import type { ExecutionEnd } from '../../../src/gateway/outputs.ts';
import { readEnd } from '../../../src/runs/outcome.ts';

const end = (kind: ExecutionEnd['kind']): ExecutionEnd => ({
  kind,
  variablesLost: false,
  possibleGap: false,
  replyMissing: true,
  idleMissing: true,
});
const data = { kernelspec: 'python3', block: 0 };
const begun = { state: 'running', data } as const;
const unseen = { state: 'sending', data } as const;

test('a run took as long as its kernel spoke of it', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const started = { state: 'running', data: { ...data, startedAt: Date.now() - 1_010 } } as const;
    expect(readEnd({ ...end('raised'), lingeredMs: 1_000 }, undefined, started).durationMs).toBe(10);
  } finally {
    vi.useRealTimers();
  }
});

describe('an end that was not observed', () => {
  test.each(['unknown', 'outputLost'] as const)('%s: it ran if the store says so', (kind) => {
    expect(readEnd(end(kind), undefined, begun).kind).toBe('outputLost');
  });
  test.each(['unknown', 'outputLost'] as const)('%s: without a sign it is not known', (kind) => {
    expect(readEnd(end(kind), undefined, unseen).kind).toBe('unknown');
  });
});

describe('the kernel’s process is another one', () => {
  test.each(['kernelDied', 'kernelGone'] as const)(
    '%s: what gave no sign is not known to have run',
    (kind) => {
      expect(readEnd(end(kind), undefined, begun).kind).toBe(kind);
      expect(readEnd(end(kind), undefined, unseen).kind).toBe('unknown');
    },
  );
  test('a process that got the code and died before its first message about it was ended by it', () => {
    expect(readEnd(end('kernelDied'), undefined, unseen, true).kind).toBe('kernelDied');
    expect(readEnd(end('kernelGone'), undefined, unseen, true).kind).toBe('unknown');
  });
  test('a requested restart is told to the author in either case', () => {
    expect(readEnd(end('kernelRestarted'), undefined, unseen).kind).toBe('kernelRestarted');
  });
});

describe('the gateway stayed away', () => {
  test('a run that had begun may go on; without a message it is not known whether it ran', () => {
    expect(readEnd(end('gatewayAway'), undefined, begun).kind).toBe('gatewayAway');
    expect(readEnd(end('gatewayAway'), undefined, unseen).kind).toBe('unknown');
  });
});

describe('a block that was not sent', () => {
  const stop = { kind: 'asked', by: 'U1' } as const;
  const first = unseen;
  const later = { ...first, data: { ...data, block: 1 } };

  test('stopped before the first block it is cancelled; stopped between two blocks it is interrupted', () => {
    expect(readEnd(end('notSent'), stop, first).kind).toBe('cancelled');
    expect(readEnd(end('notSent'), stop, later)).toMatchObject({ kind: 'interrupted', stoppedBy: 'U1' });
  });

  test('where the time limit passes before the first block is sent, nobody has cancelled it', () => {
    expect(readEnd(end('notSent'), { kind: 'timeout' }, first)).toMatchObject({
      kind: 'notStarted',
      detail: 'The time limit passed before the kernel got it.',
    });
    expect(readEnd(end('notSent'), { kind: 'timeout' }, later).kind).toBe('timedOut');
  });

  test('without the gateway a run counts as not started only if none of its blocks ran', () => {
    expect(readEnd(end('notSent'), undefined, first).kind).toBe('notStarted');
    expect(readEnd(end('notSent'), undefined, later)).toMatchObject({
      kind: 'interrupted',
      detail: 'The next block did not reach the kernel.',
    });
  });

  test('the reason is kept', () => {
    const tooLong = { ...end('notSent'), detail: 'longer than the 10 MiB that a gateway takes' };
    expect(readEnd(tooLong, undefined, first).detail).toContain('10 MiB');
    expect(readEnd(tooLong, undefined, later).detail).toContain('10 MiB');
  });
});
