import { expect, test } from 'vitest';
import { GatewayError } from '../../../../../src/gateway/errors.ts';
import type { KernelModel } from '../../../../../src/gateway/gateway.ts';
import { silentLog } from '../../../../../src/log.ts';
import {
  isLoss,
  kernelEnv,
  launchKernel,
  newKernelRecord,
  removeUnused,
} from '../../../../../src/runs/session/kernel/launch-kernel.ts';

const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1', thread: '1.0' };
const record = newKernelRecord(owner, 'python3');
const { signal } = new AbortController();
const until = { signal, released: signal };
const ignore = () => undefined;
const progress = { onTurn: ignore, onServer: ignore };
const found: KernelModel = { id: record.kernelId, name: '', executionState: 'starting' };

const launch = (
  startKernel: () => Promise<KernelModel>,
  findKernel: () => Promise<KernelModel | undefined>,
  shutDownKernel: (kernelId: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> => {
  const gateway = { startKernel, findKernel, shutDownKernel };
  const records = { noteLost: ignore };
  return launchKernel(record, false, {}, progress, until, { gateway, records, log: silentLog });
};

test('a kernel of another kernelspec than asked for is removed, and nothing runs in it', async () => {
  const removed: string[] = [];
  const started = { ...found, id: 'forced', name: 'ir' };
  const remove = async (kernelId: string) => void removed.push(kernelId);
  const words = 'The gateway started ir instead of python3';
  await expect(
    launch(
      async () => started,
      async () => undefined,
      remove,
    ),
  ).rejects.toMatchObject({ code: 'startFailed', message: words });
  expect(removed).toEqual(['forced']);
  const same = { ...found, name: 'Python3' };
  expect(
    await launch(
      async () => same,
      async () => undefined,
    ),
  ).toBe(record.kernelId);
});

test('the gateway chooses the id where it does not honour ours', async () => {
  expect(
    await launch(
      async () => ({ ...found, id: 'other' }),
      async () => undefined,
    ),
  ).toBe('other');
});

test('a start that fails because the kernel is there already finds it', async () => {
  const taken = new GatewayError('startFailed', 'the id is taken');
  expect(
    await launch(
      () => Promise.reject(taken),
      async () => found,
    ),
  ).toBe(record.kernelId);
});

test('the reason of a failed start is told, even if the gateway cannot be asked any more', async () => {
  const failed = new GatewayError('startFailed', 'no resources');
  await expect(
    launch(
      () => Promise.reject(failed),
      async () => undefined,
    ),
  ).rejects.toBe(failed);
  const away = new GatewayError('unreachable', 'away');
  await expect(
    launch(
      () => Promise.reject(failed),
      () => Promise.reject(away),
    ),
  ).rejects.toBe(failed);
  await expect(
    launch(
      () => Promise.reject(away),
      async () => found,
    ),
  ).rejects.toBe(away);
});

test.each([
  ['unreachable', false],
  ['refused', true],
] as const)(
  'an unused kernel that cannot be removed does not fail the run, and waits for a gateway that is away: %s',
  async (code, isDone) => {
    const failure = new GatewayError(code, 'no');
    const shutDownKernel = (): Promise<void> => Promise.reject(failure);
    const left = await removeUnused('k', { shutDownKernel }, silentLog);
    expect(left).toBe(isDone ? undefined : failure);
  },
);

test('only a kernel that is gone, or that never started, is a loss', () => {
  expect(isLoss(new GatewayError('kernelGone', ''))).toBe(true);
  expect(isLoss(new GatewayError('startFailed', ''))).toBe(true);
  expect(isLoss(new GatewayError('unreachable', ''))).toBe(false);
  expect(isLoss(new Error('a bug'))).toBe(false);
});

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
