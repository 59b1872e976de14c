import { Keyv } from 'keyv';
import { expect, test } from 'vitest';
import { ChannelSettingsStore } from '../../../../src/runs/languages/channel-settings.ts';

function scene(): {
  keyv: Keyv;
  settings: ChannelSettingsStore;
  writes: () => number;
  fail: (is: boolean) => void;
} {
  const keyv = new Keyv();
  const set = keyv.set.bind(keyv);
  let writes = 0;
  let isFailing = false;
  keyv.set = async (...given: Parameters<typeof set>) => {
    writes += 1;
    await Promise.resolve();
    if (isFailing) throw new Error('the store is away');
    return await set(...given);
  };
  return {
    keyv,
    settings: new ChannelSettingsStore(keyv),
    writes: () => writes,
    fail: (is) => {
      isFailing = is;
    },
  };
}

test('a channel’s settings are read back, also by the next process', async () => {
  const { keyv, settings } = scene();
  expect(settings.read('T1', 'C1')).toEqual({});
  await settings.change('T1', 'C1', { auto: true });
  await settings.change('T1', 'C1', { kernelspec: 'python3' });
  expect(settings.read('T1', 'C1')).toEqual({ auto: true, kernelspec: 'python3' });
  expect(settings.read('T1', 'C2')).toEqual({});
  expect(await keyv.get('T1/C1')).toEqual({ auto: true, kernelspec: 'python3' });
});

test('two changes at once lose neither', async () => {
  const { keyv, settings } = scene();
  await Promise.all([
    settings.change('T1', 'C1', { auto: true }),
    settings.change('T1', 'C1', { kernelspec: 'python3' }),
  ]);
  expect(settings.read('T1', 'C1')).toEqual({ auto: true, kernelspec: 'python3' });
  expect(await keyv.get('T1/C1')).toEqual({ auto: true, kernelspec: 'python3' });
});

test('a setting that does not change is not written', async () => {
  const { settings, writes } = scene();
  await settings.change('T1', 'C1', { kernelspec: 'python3' });
  await settings.change('T1', 'C1', { kernelspec: 'python3' });
  expect(writes()).toBe(1);
});

test('a change that the store does not take is none, and may be tried again', async () => {
  const { settings, fail } = scene();
  fail(true);
  await expect(settings.change('T1', 'C1', { auto: true })).rejects.toThrow('away');
  expect(settings.read('T1', 'C1')).toEqual({});
  fail(false);
  await settings.change('T1', 'C1', { auto: true });
  expect(settings.read('T1', 'C1')).toEqual({ auto: true });
});

test('an emptied store gets all current settings again', async () => {
  const { keyv, settings } = scene();
  await settings.change('T1', 'C1', { auto: true });
  await settings.change('T1', 'C2', { kernelspec: 'ir' });
  await keyv.clear();
  const changing = settings.change('T1', 'C1', { auto: false });
  await settings.storeAgain();
  await changing;
  expect(await keyv.get('T1/C1')).toEqual({ auto: false });
  expect(await keyv.get('T1/C2')).toEqual({ kernelspec: 'ir' });
});

test('the channels of this workspace whose ids have changed are listed', async () => {
  const { keyv, settings } = scene();
  await settings.change('T1', 'G1', { laterIds: ['C1'] });
  await settings.change('T1', 'G1', { auto: true });
  await settings.change('T1', 'C9', { auto: true });
  await settings.change('T2', 'G2', { laterIds: ['C2'] });
  expect([...settings.moved('T1')]).toEqual([['G1', ['C1']]]);
  const next = new ChannelSettingsStore(keyv);
  await next.load();
  expect([...next.moved('T1')]).toEqual([['G1', ['C1']]]);
});
