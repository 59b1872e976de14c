import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import { silentLog } from '../../../src/log.ts';
import { startJupyterServer } from '../../support/backends/jupyter-server.ts';
import { asConformanceServer } from '../../support/conformance.ts';
import { run, textOf } from '../../support/gateway-client.ts';

test('a Jupyter Server without a token asks for _xsrf and gets it: start, run, restart, shutdown', async () => {
  const refused = startJupyterServer(inject('backends'), { token: '' });
  await using server = await asConformanceServer(refused);
  const bare = await fetch(new URL('api/kernels', server.url), { method: 'POST', body: '{}' });
  expect([bare.status, await bare.text()]).toEqual([403, expect.stringContaining('_xsrf')]);

  const gateway = createGatewayClient(server.settings, { log: silentLog });
  const kernelId = randomUUID();
  const { id } = await gateway.startKernel({ kernelspec: 'python3', kernelId, env: {} });
  const connection = await gateway.connect(id, { sessionId: randomUUID() });
  const running = run(connection, { code: 'print(6 * 7)' });
  expect((await running.end).kind).toBe('ok');
  expect(textOf(running.outputs)).toContain('42');
  await gateway.restartKernel(id);
  await connection.close();
  await gateway.shutDownKernel(id);
  expect(await gateway.findKernel(id)).toBeUndefined();
  await gateway.close();
});
