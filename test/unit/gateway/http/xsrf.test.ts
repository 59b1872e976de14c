import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startRig } from '../../../support/gateway-client.ts';
import type { Call, CannedAnswer } from '../../../support/scripted-gateway.ts';

const refusal = (header?: string): CannedAnswer => ({
  status: 403,
  body: { message: "'_xsrf' argument missing from POST", reason: null },
  ...(header === undefined ? {} : { headers: { 'set-cookie': header } }),
});

/** As Tornado does: the cookie and the header are the same. */
function fits({ method, headers }: Call, wanted?: string): boolean {
  if (method === 'GET') return true;
  const cookie = /(?:^|; )_xsrf=([^;]*)/.exec(headers.cookie ?? '')?.[1];
  return cookie !== undefined && cookie === headers['x-xsrftoken'] && (wanted ?? cookie) === cookie;
}

const start = { kernelspec: 'python3', env: {} };

test('a server that asks for _xsrf gets it, and from then on unasked', async () => {
  await using rig = await startRig();
  let refusals = 0;
  rig.server.answer = (call) => {
    if (fits(call)) return undefined;
    refusals += 1;
    return refusal();
  };
  const { id } = await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  await rig.gateway.connect(id, { sessionId: randomUUID() });
  await rig.gateway.restartKernel(id);
  await rig.gateway.shutDownKernel(id);
  expect(refusals).toBe(1);
  expect(rig.server.calls.filter(({ method }) => method === 'POST').length).toBe(3);
});

test('the value that the server set last is sent', async () => {
  await using rig = await startRig();
  let wanted = '2|aa|bb|1';
  rig.server.answer = (call) => (fits(call, wanted) ? undefined : refusal(`_xsrf=${wanted}; Path=/`));
  const { id } = await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  wanted = '2|cc|dd|2';
  await rig.gateway.shutDownKernel(id);
  expect(await rig.gateway.findKernel(id)).toBeUndefined();
});

test('if no server asks, nothing is sent', async () => {
  await using rig = await startRig();
  await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  expect(rig.server.calls.filter(({ headers }) => 'x-xsrftoken' in headers)).toEqual([]);
});

test('a server that refuses it anyway is reported after one repeat', async () => {
  await using rig = await startRig();
  rig.server.answer = ({ method }) => (method === 'POST' ? refusal() : undefined);
  await expect(rig.gateway.startKernel({ ...start, kernelId: randomUUID() })).rejects.toMatchObject({
    code: 'unauthorized',
  });
  expect(rig.server.calls.filter(({ method }) => method === 'POST')).toHaveLength(2);
});

test('a value in the settings is not replaced', async () => {
  const headers = { Cookie: '_xsrf=XSRF', 'X-XSRFToken': 'XSRF' };
  await using rig = await startRig({ settings: { headers } });
  rig.server.answer = (call) => (fits(call, 'XSRF') ? undefined : refusal('_xsrf=other'));
  const { id } = await rig.gateway.startKernel({ ...start, kernelId: randomUUID() });
  expect(rig.server.kernels.has(id)).toBe(true);
  rig.server.answer = () => refusal('_xsrf=other');
  await expect(rig.gateway.shutDownKernel(id)).rejects.toMatchObject({ status: 403 });
  expect(rig.server.calls.filter(({ method }) => method === 'DELETE')).toHaveLength(1);
});
