import { expect, test } from 'vitest';
import { checkHub } from '../../../src/doctor/check-gateway.ts';
import { startReport } from '../../../src/doctor/report.ts';
import { GatewayError } from '../../../src/gateway/errors.ts';
import { settingsFor } from '../../support/gateway-client.ts';

const urls = { httpUrl: 'http://hub/user/ana/', wsUrl: 'ws://hub/user/ana/' };
const hub = { apiUrl: 'http://hub/hub/api/', token: 's3cret', user: 'ana', server: '' };

async function examine(
  startServer?: () => Promise<void>,
  configured = true,
  signal = new AbortController().signal,
): Promise<string[]> {
  const lines: string[] = [];
  const report = startReport((text) => lines.push(...text.trimEnd().split('\n')), false);
  const gateway = settingsFor(urls, configured ? { hub } : {});
  await checkHub(startServer === undefined ? {} : { startServer }, { gateway }, report, signal);
  return lines.filter((line) => !line.startsWith('   …'));
}

test('a server that runs, or was started', async () => {
  const [line] = await examine(async () => undefined);
  expect(line).toMatch(/^ok +JupyterHub +The server of ana runs, after 0\.\d s\.$/);
});

test.for([
  [new GatewayError('startFailed', 'JupyterHub could not start the server: no room'), 'read the hub’s log'],
  [
    new GatewayError('unauthorized', 'JupyterHub does not allow us', { status: 403 }),
    'the scopes read:users',
  ],
  [
    new GatewayError('refused', 'JupyterHub does not allow us to look at its user', { status: 404 }),
    'JUPYTERHUB_API_URL ends with /hub/api/',
  ],
  [new GatewayError('unreachable', 'The gateway at http://hub gives no answer'), 'JUPYTERHUB_API_URL'],
] as const)('%s', async ([failure, remedy]) => {
  const [line, next] = await examine(() => Promise.reject(failure));
  expect(line).toContain(`${failure.message}.`);
  expect(next).toContain(remedy);
});

test('a doctor that is stopped does not wait for a start', async () => {
  const stopping = new AbortController();
  const starting = async (): Promise<void> => {
    setImmediate(() => stopping.abort());
    await new Promise(() => undefined);
  };
  expect(await examine(starting, true, stopping.signal)).toEqual([]);
});

test('without a hub nothing is reported', async () => {
  expect(await examine(undefined, false)).toEqual([]);
});
