import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../../src/gateway/client.ts';
import { silentLog } from '../../../../src/log.ts';
import { Admission } from '../../../../src/runs/admission/admission.ts';
import { ChannelSettingsStore } from '../../../../src/runs/languages/channel-settings.ts';
import { startKernelspecCache } from '../../../../src/runs/languages/kernelspecs.ts';
import { settingsFor } from '../../../support/gateway-client.ts';
import { startSessionRig } from '../../../support/session-rig.ts';

/** Admission with KERNELS_PER_USER=2, on the session rig; each channel has a kernel of its own. */
async function startAdmission() {
  const rig = await startSessionRig();
  rig.held.letRun();
  const client = createGatewayClient(settingsFor(rig.gateway), { log: silentLog });
  const closing = new AbortController();
  const kernelspecs = startKernelspecCache(client, closing.signal, silentLog);
  const limits = { aliases: {}, defaultLanguage: 'python3', queueLimit: 20, userLimit: 20 };
  const admission = new Admission({
    notebooks: { keep: async () => undefined, forget: async () => undefined },
    store: rig.store.runs,
    kernelspecs,
    channels: new ChannelSettingsStore(rig.store.keyv('channel')),
    kernels: rig.kernels,
    gateway: client,
    limits: { ...limits, maxCodeBytes: 1e6, kernelsPerUser: 2 },
    openRun: (run, code) => rig.runs.open(run, code),
    log: silentLog,
  });
  let count = 0;
  const submit = async (requester: string, channel: string, language?: string) => {
    count += 1;
    return await admission.submit({
      requestKey: `press/${count}`,
      source: 'slash',
      workspace: 'T1',
      channel,
      thread: `${count}.0`,
      requester,
      snippet: { language, blocks: ['1'] },
    });
  };
  return {
    rig,
    submit,
    /** The run has ended, its kernel is there. */
    async run(requester: string, channel: string, language?: string) {
      expect(await submit(requester, channel, language)).toMatchObject({ kind: 'accepted' });
      for (const session of rig.kernels.sessions) await session.settled;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await client.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

const REFUSED = /You have started 2 kernels that still live.*the limit for one person.*Nothing ran/;

test('one kernel more than KERNELS_PER_USER is refused before anything is accepted', async () => {
  await using at = await startAdmission();
  await at.run('ana', 'C1');
  await at.run('ana', 'C2');
  await expect(at.submit('ana', 'C3')).rejects.toThrow(REFUSED);
  expect(await at.rig.store.runs.newest('channel', ['T1', 'C3'], 10)).toEqual([]);
  expect(at.rig.kernels.find('T1/C3')).toBeUndefined();
});

test('kernels that are there already, and those of others, stay open to everybody', async () => {
  await using at = await startAdmission();
  await at.run('ana', 'C1');
  await at.run('ana', 'C2');
  await at.run('ana', 'C1');
  await at.run('bob', 'C3');
  await at.run('ana', 'C3');
  await expect(at.submit('ana', 'C4')).rejects.toThrow(REFUSED);
});

test('a kernel that will be started counts, and of simultaneous snippets the first ones are accepted', async () => {
  await using at = await startAdmission();
  const sent = await Promise.allSettled(['C1', 'C2', 'C3', 'C1'].map((channel) => at.submit('ana', channel)));
  expect(sent.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
});

test('a kernel that was shut down, or that the gateway has culled, does not count', async () => {
  await using at = await startAdmission();
  await at.run('ana', 'C1');
  await at.run('ana', 'C2');
  await at.rig.kernels.find('T1/C1')?.shutDown();
  await at.run('ana', 'C3');
  at.rig.gateway.kernels.delete(at.rig.kernels.find('T1/C2')?.record?.kernelId ?? '');
  await at.run('ana', 'C4');
});

test('a gateway without an answer does not prove that a kernel is gone', async () => {
  await using at = await startAdmission();
  await at.run('ana', 'C1');
  await at.run('ana', 'C2');
  at.rig.gateway.answer = ({ method, path }) =>
    method === 'GET' && path.includes('/kernels/') ? 'hang' : undefined;
  await expect(at.submit('ana', 'C3')).rejects.toThrow(REFUSED);
});
