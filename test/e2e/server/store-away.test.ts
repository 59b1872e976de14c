import { expect, test } from 'vitest';
import { freePort } from '../../../demo/jupyter-app.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { withRedis } from '../../contract/redis.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { startBot } from '../../support/start-bot.ts';

const secret = 'the-signing-secret';

await withRedis('signed HTTP while the store is silent', (redis) => {
  test('an event gets a 503 in time, is repeated and runs once; a command is told that nothing ran', async () => {
    const port = String(await freePort());
    const requestUrl = `http://127.0.0.1:${port}/slack/events`;
    await using playground = await startPlayground({
      requestUrl,
      signingSecret: secret,
      retryDelaysMs: [600_000, 600_000, 600_000],
    });
    await using gateway = disposable(await startScriptedGateway());
    gateway.onStart = (kernel) => {
      kernel.onExecute = (request) => kernel.run(request, `ran ${String(request.content['code'])}`);
    };
    await using bot = await startBot({
      playground,
      gateway,
      environment: {
        SLACK_APP_TOKEN: '',
        SLACK_SIGNING_SECRET: secret,
        PORT: port,
        STORE_URL: redis.url,
      },
    });
    const ana = playground.as('ana');

    redis.pause();
    const asked = ana.post('#data', '@sparkthread `6*7`');
    const refused = await playground.waitFor(() => {
      const sent = playground.deliveries.filter(({ kind }) => kind === 'events_api');
      return sent.length === 2 && sent.every(({ state }) => state !== 'sent') ? sent : undefined;
    });
    expect(refused.map(({ state, failure }) => ({ state, failure }))).toEqual([
      { state: 'failed', failure: 'http_error' },
      { state: 'failed', failure: 'http_error' },
    ]);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect(await ready.json()).toMatchObject({ status: { store: { ok: false } } });
    expect(await ana.slash('#data', '/spark 1+1')).toMatchObject({
      ok: true,
      text: expect.stringContaining('nothing ran'),
    });

    redis.resume();
    await bot.untilLog(({ msg }) => typeof msg === 'string' && msg.includes('not accepted'));
    playground.retryNow();
    await playground.waitForReply('#data', asked.ts, ({ text }) => text.includes('ran 6*7'));
    await playground.waitForQuiet();
    const executed = [...gateway.kernels.values()].flatMap(({ received }) =>
      received.filter(
        ({ header, content }) => header.msg_type === 'execute_request' && content['silent'] !== true,
      ),
    );
    expect(executed.map(({ content }) => content['code'])).toEqual(['6*7']);
  });
});

function disposable<T extends { close: () => Promise<void> }>(resource: T): T & AsyncDisposable {
  return Object.assign(resource, { [Symbol.asyncDispose]: () => resource.close() });
}
