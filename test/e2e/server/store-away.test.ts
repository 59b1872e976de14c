import { expect, test } from 'vitest';
import { freePort } from '../../../demo/jupyter-app.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { withRedis } from '../../contract/redis.ts';
import { startScriptedGateway } from '../../support/scripted-gateway.ts';
import { type LogLine, startBot } from '../../support/start-bot.ts';

const secret = 'the-signing-secret';

/**
 * What an operator is told of events that are not accepted, beside what the store itself tells, and without the warnings of
 * Slack's client that a connection is slow.
 */
const told = (log: readonly LogLine[]): unknown[] =>
  log.flatMap(({ event }) => (/^(slack\.failed|request\..*)$/.test(String(event)) ? [event] : []));

await withRedis('while the store is silent', (redis) => {
  test('with signed HTTP an event gets a 503 in time, is repeated and runs once; a command is told that nothing ran', async () => {
    const port = String(await freePort());
    const requestUrl = `http://127.0.0.1:${port}/slack/events`;
    await using playground = await startPlayground({
      requestUrl,
      signingSecret: secret,
      // The bot answers before Slack's 3 s are over, but on a machine at work elsewhere not by much.
      ackTimeoutMs: 100_000,
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

    expect(told(bot.log)).toEqual(['request.unaccepted', 'request.unaccepted']);
    redis.resume();
    // It may take a while until the bot reaches the store again.
    do {
      playground.retryNow();
      await playground.waitForQuiet();
    } while (playground.service.deliveries.pendingRetries > 0);
    await playground.waitForReply('#data', asked.ts, ({ text }) => text.includes('ran 6*7'));
    const executed = [...gateway.kernels.values()].flatMap(({ received }) =>
      received.filter(
        ({ header, content }) => header.msg_type === 'execute_request' && content['silent'] !== true,
      ),
    );
    expect(executed.map(({ content }) => content['code'])).toEqual(['6*7']);
    await bot.stop();
  });

  test('with Socket Mode an event that is not accepted is told in one line', async () => {
    await using playground = await startPlayground({ retryDelaysMs: [600_000, 600_000, 600_000] });
    await using gateway = disposable(await startScriptedGateway());
    await using bot = await startBot({ playground, gateway, environment: { STORE_URL: redis.url } });
    await bot.untilLeader();

    redis.pause();
    playground.as('ana').post('#data', '@sparkthread `6*7`');
    const isLeft = ({ event }: LogLine): boolean => event === 'request.unaccepted';
    await bot.untilLog(isLeft);
    await bot.untilLog(isLeft, bot.log.findIndex(isLeft) + 1);
    redis.resume();
    await bot.stop();
    expect(told(bot.log)).toEqual(['request.unaccepted', 'request.unaccepted']);
  });
});

function disposable<T extends { close: () => Promise<void> }>(resource: T): T & AsyncDisposable {
  return Object.assign(resource, { [Symbol.asyncDispose]: () => resource.close() });
}
