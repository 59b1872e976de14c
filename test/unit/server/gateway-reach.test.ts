import { expect, test } from 'vitest';
import { createGatewayClient } from '../../../src/gateway/client.ts';
import { GatewayError } from '../../../src/gateway/errors.ts';
import { silentLog } from '../../../src/log.ts';
import { trackGateway } from '../../../src/server/instrument.ts';
import { settingsFor } from '../../support/gateway-client.ts';

test('the latest call says whether the gateway is missed; a refusal of one kernel does not', async () => {
  const client = createGatewayClient(
    settingsFor({ httpUrl: 'http://127.0.0.1:9', wsUrl: 'ws://127.0.0.1:9' }),
    {
      log: silentLog,
    },
  );
  let failure: GatewayError | undefined = new GatewayError('unreachable', 'away');
  client.findKernel = async () => {
    if (failure !== undefined) throw failure;
    return undefined;
  };
  const { gateway, isMissed } = trackGateway(client);
  const ask = async (): Promise<boolean> => {
    await gateway.findKernel('k').catch(() => undefined);
    await Promise.resolve();
    return isMissed();
  };
  expect(isMissed()).toBe(false);
  expect(await ask()).toBe(true);
  failure = new GatewayError('startFailed', 'no');
  expect(await ask()).toBe(false);
  failure = new GatewayError('unauthorized', 'no');
  expect(await ask()).toBe(true);
  failure = undefined;
  expect(await ask()).toBe(false);
  await gateway.close();
});
