import { Writable } from 'node:stream';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logEnd } from '../../../src/runs/audit.ts';
import { syntheticOutcome } from '../../../src/runs/outcome.ts';
import { summarizeCode } from '../../../src/store/run-reader.ts';

test('the audit line says who, where, which kernel and how it ended, and never the code', () => {
  const lines: string[] = [];
  const log = pino(new Writable({ write: (chunk, _, done) => (lines.push(String(chunk)), done()) }));
  const code = 'the_secret = 42';
  const run = {
    id: 'run-1',
    workspace: 'T1',
    channel: 'C1',
    thread: '1.0',
    queue: 'T1/C1',
    requester: 'U1',
    state: 'ended',
    order: 1,
    createdAt: 1_000,
    updatedAt: 2_000,
    data: {
      source: 'slash',
      kernelspec: 'python3',
      language: 'python',
      ...summarizeCode([code]),
      requestKey: 'request/1',
      edition: 1,
      needsRoot: true,
      block: 0,
      startedAt: 1_500,
      request: { msgId: 'm', kernelId: 'k', sessionId: 's' },
      notes: [],
    },
  } as const;
  logEnd({ ...run, data: { ...run.data, notes: [] } }, syntheticOutcome('ok', 'python3'), log);
  expect(JSON.parse(lines.join(''))).toMatchObject({
    event: 'run.ended',
    audit: 'run',
    user: 'U1',
    channel: 'C1',
    kernel: 'k',
    outcome: 'ok',
    waitedMs: 500,
    codeLength: code.length,
  });
  expect(lines.join('')).not.toContain('secret');
});
