import { expect, test } from 'vitest';
import { auditAccepted, auditEnded } from '../../../src/runs/audit.ts';
import { syntheticOutcome } from '../../../src/runs/outcome.ts';
import { sparkCounts } from '../../../src/spark/spark-work.ts';
import { summarizeCode } from '../../../src/store/run-reader.ts';

test('the audit line says who, where, which kernel and how it ended, and never the code', () => {
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
  const spark = {
    counts: sparkCounts({ jobs: 2, tasks: 20, doneTasks: 12, failedTasks: 1 }),
    before: sparkCounts({ jobs: 1, tasks: 5, doneTasks: 5 }),
    source: 'observer' as const,
    block: 1,
    isAtWork: true,
    hasLasted: false,
    app: 'app-1',
  };
  expect(
    auditEnded({ ...run, data: { ...run.data, notes: [], spark } }, syntheticOutcome('ok', 'python3')),
  ).toMatchObject({ sparkApp: 'app-1', sparkJobs: 3, sparkTasks: 17, sparkFailedTasks: 1 });
  const before = { ...run, data: { ...run.data, notes: [] } };
  const ended = auditEnded(before, syntheticOutcome('ok', 'python3'));
  expect(ended).toMatchObject({
    event: 'run.ended',
    audit: 'run',
    user: 'U1',
    channel: 'C1',
    kernel: 'k',
    outcome: 'ok',
    waitedMs: 500,
    codeLength: code.length,
  });
  expect(JSON.stringify(ended)).not.toContain('secret');
  expect(auditAccepted(before, [code])).toMatchObject({ event: 'run.accepted', run: 'run-1', code: [code] });
});
