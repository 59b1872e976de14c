import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { withRedis } from '../../contract/redis.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

await withRedis('a store that is full', (redis) => {
  test('is told by /readyz and to whoever sends something, and serves again when it has room', async () => {
    await using playground = await startPlayground();
    const gateway = await startScriptedGateway();
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => kernel.run(request, `ran ${String(request.content['code'])}`);
    };
    await using bot = await startBot({ playground, gateway, environment: { STORE_URL: redis.url } });
    const { port } = await bot.untilLog(({ msg }) => msg === 'ready');
    const ready = async () => {
      const response = await fetch(`http://127.0.0.1:${String(port)}/readyz`);
      return { status: response.status, body: await response.json() };
    };
    const ana = playground.as('ana');

    expect((await ready()).status).toBe(200);
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await ready()).toMatchObject({
      status: 503,
      body: { store: { ok: false, detail: expect.stringContaining('OOM') } },
    });
    expect((await ana.slash('#data', '/spark 1+1')).text).toContain('could not be accepted, nothing ran');
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    expect((await ready()).status).toBe(200);
    await ana.slash('#data', '/spark 2+2');
    await playground.waitForMessage('#data', ({ text }) => text.includes('ran 2+2'));
    await gateway.close();
  });
});
