import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../../src/log.ts';
import { KernelRecords } from '../../../../../src/runs/session/kernel/kernel-record.ts';
import { newKernelRecord } from '../../../../../src/runs/session/kernel/launch-kernel.ts';

/** What the gateway's client keeps of kernels. */
class ClientShelf {
  readonly #saved = new Map<string, string>();
  saveCookies(kernelId: string): string | undefined {
    return this.#saved.get(kernelId);
  }
  restoreCookies(kernelId: string, saved: string): void {
    this.#saved.set(kernelId, saved);
  }
  readonly removed: string[] = [];
  removeLost(kernelId: string): void {
    this.removed.push(kernelId);
  }
}

const closing = new AbortController().signal;
const owner = { workspace: 'T1', channel: 'C1', queue: 'T1/C1', requester: 'U1', thread: '1.0' };

test('records and losses are read back by their sessions', async () => {
  const records = new KernelRecords(new Keyv(), new ClientShelf(), closing, silentLog);
  const record = newKernelRecord(owner, 'python3');
  await records.save(record.queue, record);
  await records.saveLoss('T1/C2', 'It was lost.');
  expect(await records.readAll()).toEqual(
    new Map([
      ['T1/C1', { record, loss: undefined }],
      ['T1/C2', { record: undefined, loss: 'It was lost.' }],
    ]),
  );
  await records.save('T1/C1', undefined);
  await records.saveLoss('T1/C2', undefined);
  expect((await records.readAll()).size).toBe(0);
});

test('kernels of lost starts are given to the successor, but none that a session uses', async () => {
  const keyv = new Keyv();
  const client = new ClientShelf();
  const records = new KernelRecords(keyv, client, closing, silentLog);
  const record = newKernelRecord(owner, 'python3');
  await records.save(record.queue, record);
  for (const kernelId of [record.kernelId, 'lost', 'found']) records.noteLost(kernelId, true);
  records.noteLost('found', false);
  expect([...(await records.readAll()).keys()]).toEqual(['T1/C1']);
  expect(client.removed).toEqual(['lost']);
});

test('a kernel’s cookies are stored with it and given back, and no record in memory has them', async () => {
  const keyv = new Keyv();
  const record = newKernelRecord(owner, 'python3');
  const shelf = new ClientShelf();
  shelf.restoreCookies(record.kernelId, 'route=1');
  await new KernelRecords(keyv, shelf, closing, silentLog).save(record.queue, record);
  const later = new ClientShelf();
  const read = await new KernelRecords(keyv, later, closing, silentLog).readAll();
  expect(read.get(record.queue)?.record).toEqual(record);
  expect(later.saveCookies(record.kernelId)).toBe('route=1');
});

test('a record that cannot be read is a loss that the next run says', async () => {
  const keyv = new Keyv();
  await keyv.set('T1/C1', { workspace: 'T1', kernelId: 7 });
  const { record, loss } = (
    await new KernelRecords(keyv, new ClientShelf(), closing, silentLog).readAll()
  ).get('T1/C1')!;
  expect(record).toBeUndefined();
  expect(loss).toContain('could not be read');
});

test.each(['lastUsedAt', 'warnedAt'] as const)(
  'a %s from a clock that was years ahead counts as now, so that the kernel can become idle',
  async (time) => {
    const keyv = new Keyv();
    const record = { ...newKernelRecord(owner, 'python3'), [time]: Date.parse('2099-01-01') };
    await new KernelRecords(keyv, new ClientShelf(), closing, silentLog).save(record.queue, record);
    const read = await new KernelRecords(keyv, new ClientShelf(), closing, silentLog).readAll();
    expect(read.get(record.queue)?.record?.[time]).toBeLessThanOrEqual(Date.now());
  },
);
