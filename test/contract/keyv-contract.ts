import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import * as vitest from 'vitest';
import type { Store } from '../../src/store/store.ts';

const { describe, expect, test } = vitest;

/** What a store's Keyv promises: Keyv's own suite on the bare adapter, and our use of it. Both must be open and hold the lease by the first test. */
export function keyvContract(
  name: string,
  parts: { adapter: () => object; store: () => Store<unknown> },
): void {
  describe(`${name} Keyv`, () => {
    keyvTestSuite(vitest, Keyv, parts.adapter);
    keyvIteratorTests(vitest, Keyv, parts.adapter);

    test('a namespace gives the same Keyv each time, and keeps its entries apart', async () => {
      const [kernels, settings] = [parts.store().keyv('kernels'), parts.store().keyv('settings')];
      expect(parts.store().keyv('kernels')).toBe(kernels);
      await kernels.set('kernels:T1/C1', { id: 'k1' });
      await settings.set('kernels:T1/C1', { auto: true });
      expect(await kernels.get('kernels:T1/C1')).toEqual({ id: 'k1' });
      await kernels.clear();
      expect(await kernels.get('kernels:T1/C1')).toBeUndefined();
      expect(await settings.get('kernels:T1/C1')).toEqual({ auto: true });
      await settings.clear();
    });

    test('many at once: set, get, has, delete', async () => {
      const keyv = parts.store().keyv('many');
      const entries = Array.from({ length: 250 }, (_, index) => ({ key: `k${index}`, value: { index } }));
      await keyv.setMany(entries);
      expect(await keyv.get(['k0', 'missing', 'k249'])).toEqual([{ index: 0 }, undefined, { index: 249 }]);
      expect(await keyv.has(['k0', 'missing'])).toEqual([true, false]);
      const seen = new Map<string, unknown>();
      for await (const [key, value] of keyv.iterator?.(undefined) ?? []) seen.set(key, value);
      expect(seen).toEqual(new Map(entries.map(({ key, value }) => [key, value])));
      expect(await keyv.delete(['k0', 'k1'])).toBe(true);
      expect(await keyv.has('k1')).toBe(false);
      await keyv.clear();
      expect(await keyv.has('k2')).toBe(false);
    });

    test('an entry without a time to live stays when one with it is written over', async () => {
      const keyv = parts.store().keyv('ttl');
      await keyv.set('a', 1, 1);
      await keyv.set('a', 2);
      await keyv.set('b', 3, 60_000);
      expect(await keyv.get('a')).toBe(2);
      expect(await keyv.get('b')).toBe(3);
      await keyv.clear();
    });
  });
}

/** A closed store's Keyv must say so: each of its calls rejects with `StoreError`. */
export async function expectClosedKeyv(keyv: Keyv): Promise<void> {
  const calls: (() => Promise<unknown>)[] = [
    async () => keyv.get('a'),
    async () => keyv.get(['a']),
    async () => keyv.set('a', 1),
    async () => keyv.setMany([{ key: 'a', value: 1 }]),
    async () => keyv.has('a'),
    async () => keyv.has(['a']),
    async () => keyv.delete('a'),
    async () => keyv.delete(['a']),
    async () => keyv.clear(),
    async () => keyv.iterator?.(undefined).next(),
  ];
  for (const call of calls)
    await expect(call(), call.toString()).rejects.toMatchObject({ name: 'StoreError' });
}
