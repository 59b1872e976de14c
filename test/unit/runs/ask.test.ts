import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import { silentLog } from '../../../src/log.ts';
import { KernelControl } from '../../../src/runs/control.ts';
import { startKernelspecCache } from '../../../src/runs/languages/kernelspecs.ts';
import { settingsFor } from '../../support/gateway-client.ts';
import { type SessionRig, startSessionRig } from '../../support/session-rig.ts';

function controlOf(rig: SessionRig): KernelControl {
  const gateway = createGatewayClient(settingsFor(rig.gateway), { log: silentLog });
  return new KernelControl({
    gateway,
    kernels: rig.kernels,
    kernelspecs: startKernelspecCache(gateway, new AbortController().signal, silentLog),
  });
}

test('Ask is offered only behind somebody else’s run', async () => {
  await using rig = await startSessionRig();
  const first = await rig.submit('first()', { requester: 'ben' });
  await rig.held.untilBegun('first()');
  const own = await rig.submit('own()', { requester: 'ben' });
  const other = await rig.submit('other()', { requester: 'ana' });
  const actionsOf = async (live: typeof own) =>
    (await rig.untilShown(live, ({ phase }) => phase.kind === 'waiting')).actions;
  expect(await actionsOf(own)).toEqual(['cancel']);
  expect(await actionsOf(other)).toEqual(['cancel', 'ask']);
  expect((await rig.untilShown(first, ({ phase }) => phase.kind === 'running')).actions).toEqual(['stop']);
});

test('the requester of the run in hand is asked once in ten minutes, whoever asks, and the store knows it', async () => {
  await using rig = await startSessionRig();
  const control = controlOf(rig);
  const first = await rig.submit('first()', { requester: 'ben' });
  const run = await rig.held.untilBegun('first()');
  const ana = await rig.submit('ana()', { requester: 'ana' });
  const eve = await rig.submit('eve()', { requester: 'eve' });
  expect(control.askAbout(ana.run).id).toBe(first.id);
  for (const live of [ana, eve])
    expect(() => control.askAbout(live.run)).toThrow('asked already, and can be asked again in 10 min');
  await first.commit({});
  const stored = await rig.store.runs.get(first.id);
  expect(stored?.data.askedAt).toBeTypeOf('number');
  first.note({ data: { askedAt: Date.now() - 11 * 60_000 } });
  expect(control.askAbout(eve.run).id).toBe(first.id);
  run.end();
  await rig.held.untilBegun('ana()');
  // Another run is in hand, so its requester is asked.
  expect(control.askAbout(eve.run).id).toBe(ana.id);
});

test('nobody is asked about the caller’s own run, about a bot’s run, or for a run that no longer waits', async () => {
  await using rig = await startSessionRig();
  const control = controlOf(rig);
  const first = await rig.submit('first()', { requester: 'ben' });
  const run = await rig.held.untilBegun('first()');
  const own = await rig.submit('own()', { requester: 'ben' });
  const other = await rig.submit('other()', { requester: 'ana' });
  expect(() => control.askAbout(own.run)).toThrow('your own');
  expect(() => control.askAbout(first.run)).toThrow('is no longer waiting');
  first.note({ data: { attended: false } });
  expect(() => control.askAbout(other.run)).toThrow('A bot sent');
  rig.session().stop(other, { kind: 'asked', by: 'ana' });
  await rig.untilEnded(other);
  expect(() => control.askAbout(other.run)).toThrow('is no longer waiting');
  run.end();
});
