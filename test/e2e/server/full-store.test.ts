import { expect, test } from 'vitest';
import { startPlayground } from '../../../playground/playground.ts';
import { withRedis } from '../../contract/redis.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

await withRedis('a store that is full', (redis) => {
  test('a full store is told to everybody who sends something, and serves again when it has room', async () => {
    await using playground = await startPlayground();
    const gateway = await startScriptedGateway();
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => kernel.run(request, `ran ${String(request.content['code'])}`);
    };
    await using bot = await startBot({ playground, gateway, environment: { STORE_URL: redis.url } });
    const ana = playground.as('ana');

    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await ana.slash('#data', '/spark 1+1')).text).toContain('could not be accepted, nothing ran');
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await ana.slash('#data', '/spark 2+2');
    await playground.waitForMessage('#data', ({ text }) => text.includes('ran 2+2'));
    expect(bot.log.filter(({ msg }) => msg === 'an unhandled rejection')).toEqual([]);
    await gateway.close();
  });
});
