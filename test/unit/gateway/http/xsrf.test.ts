import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startRig } from '../../../support/gateway-client.ts';
import type { Call, CannedAnswer } from '../../../support/scripted-gateway.ts';

const refusal: CannedAnswer = {
  status: 403,
  body: { message: "'_xsrf' argument missing from POST", reason: null },
  headers: { 'set-cookie': '_xsrf=2|aa|bb|1; Path=/' },
};

/** As Tornado does: the cookie and the header are the same. */
function fits({ method, headers }: Call, wanted?: string): boolean {
  if (method === 'GET') return true;
  const cookie = /(?:^|; )_xsrf=([^;]*)/.exec(headers.cookie ?? '')?.[1];
  return cookie !== undefined && cookie === headers['x-xsrftoken'] && (wanted ?? cookie) === cookie;
}

const start = { kernelspec: 'python3', env: {} };

test('a server that asks for _xsrf has it already, also behind a cookie of its own', async () => {
  await using rig = await startRig();
  let refusals = 0;
  rig.server.answer = (call) => {
    if (fits(call)) return undefined;
    refusals += 1;
    return refusal;
  };
  const { id } = await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  await rig.gateway.connect(id, { sessionId: randomUUID() });
  rig.gateway.restoreCookies(id, JSON.stringify([['_xsrf', '2|aa|bb|1']]));
  await rig.gateway.restartKernel(id);
  await rig.gateway.shutDownKernel(id);
  expect(refusals).toBe(0);
  expect(rig.server.calls.filter(({ method }) => method === 'POST').length).toBe(2);
});

test('a server that refuses it anyway is reported at once', async () => {
  await using rig = await startRig();
  rig.server.answer = ({ method }) => (method === 'POST' ? refusal : undefined);
  await expect(rig.gateway.startKernel({ ...start, kernelId: randomUUID() })).rejects.toMatchObject({
    code: 'unauthorized',
  });
  expect(rig.server.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
});

test('a value in the settings is not replaced', async () => {
  const headers = { Cookie: '_xsrf=XSRF', 'X-XSRFToken': 'XSRF' };
  await using rig = await startRig({ settings: { headers } });
  rig.server.answer = (call) => (fits(call, 'XSRF') ? undefined : refusal);
  const { id } = await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  expect(rig.server.kernels.has(id)).toBe(true);
  await rig.gateway.shutDownKernel(id);
  expect(await rig.gateway.findKernel(id)).toBeUndefined();
});
