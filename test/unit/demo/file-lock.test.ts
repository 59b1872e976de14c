import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withFileLock } from '../../../demo/provision/file-lock.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sparkthread-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('two holders take turns, and the second is told that it waits', async () => {
  const file = join(folder, 'deep', 'lock');
  const seen: string[] = [];
  const second = Promise.withResolvers<void>();
  const waits = Promise.withResolvers<void>();
  const first = withFileLock(
    file,
    () => seen.push('first waits'),
    async () => {
      const other = withFileLock(file, waits.resolve, async () => {
        seen.push('second');
      });
      other.then(second.resolve, second.reject);
      await waits.promise;
      seen.push('first');
    },
  );
  await first;
  await second.promise;
  expect(seen).toEqual(['first', 'second']);
});

test('work that fails gives the lock back', async () => {
  const file = join(folder, 'lock');
  await expect(
    withFileLock(
      file,
      () => {},
      () => Promise.reject(new Error('broken')),
    ),
  ).rejects.toThrow('broken');
  await expect(
    withFileLock(
      file,
      () => expect.unreachable(),
      () => Promise.resolve(1),
    ),
  ).resolves.toBe(1);
});

test('a holder that is killed gives it back', async () => {
  const file = join(folder, 'lock');
  const module = new URL('../../../demo/provision/file-lock.ts', import.meta.url).href;
  const script = `
    import { withFileLock } from ${JSON.stringify(module)};
    await withFileLock(${JSON.stringify(file)}, () => {}, () => {
      console.log('held');
      return new Promise((resolve) => setTimeout(resolve, 600_000));
    });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  let waited = false;
  const ours = withFileLock(
    file,
    () => {
      waited = true;
      holder.kill('SIGKILL');
    },
    () => Promise.resolve('ours'),
  );
  await expect(ours).resolves.toBe('ours');
  expect(waited).toBe(true);
});
