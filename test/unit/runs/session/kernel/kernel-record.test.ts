import { expect, test } from 'vitest';
import { kernelEnv } from '../../../../../src/runs/session/kernel/kernel-record.ts';

const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1', thread: '1.0' };
const settings = { username: undefined, env: { A: '1' } };

test('a kernel is started with the set environment', () => {
  expect(kernelEnv(owner, settings)).toEqual({ A: '1' });
});

test.each([
  ['svc-{channel}', 'C1', 'svc-C1'],
  ['{user}', 'D1', 'U1'],
  // A channel's kernel is shared: it is nobody's own.
  ['{user}', 'C1', 'C1'],
  ['{user}', 'G1', 'G1'],
])('KERNEL_USERNAME=%s in %s is %s', (username, channel, named) => {
  expect(kernelEnv({ ...owner, channel }, { ...settings, username })['KERNEL_USERNAME']).toBe(named);
});
