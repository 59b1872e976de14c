import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { freePort } from '../../demo/jupyter-app.ts';
import { startPlayground, verifyRequestUrl } from '../../playground/playground.ts';
import { listen } from '../support/sockets.ts';
import { startHttpApp } from './bolt-app.ts';

test('signed HTTP: url verification, events, commands, presses', async () => {
  const port = await freePort();
  const requestUrl = `http://127.0.0.1:${port}/slack/events`;
  await using playground = await startPlayground({ requestUrl });
  const heard: string[] = [];
  const app = await startHttpApp(playground, port, (bolt) => {
    bolt.command('/spark', async ({ ack, command }) => ack(`got ${command.text}`));
    bolt.event('app_mention', async ({ event }) => void heard.push(`mention ${event.text}`));
    bolt.message(async ({ message }) => void heard.push(`message ${message.ts}`));
    bolt.action('stop', async ({ ack }) => ack());
  });
  expect(await verifyRequestUrl(playground, requestUrl)).toBe(true);
  expect(await playground.as('ana').slash('#data', '/spark 1 + 1 & "x"')).toMatchObject({
    ok: true,
    text: 'got 1 + 1 & "x"',
  });
  const message = playground.as('ana').post('#data', '@sparkthread 1');
  await playground.waitFor(() => playground.deliveries.filter(({ state }) => state === 'acked').length === 3);
  expect(heard.toSorted()).toEqual([`mention <@${playground.bot.id}> 1`, `message ${message.ts}`]);
  await app.stop();
});

/** A request URL that answers as `answer` says. */
async function requestUrlOf(answer: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(answer);
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}/slack/events`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('signed HTTP: an answer of 500 is repeated, unless the app asks for no repeats; silence is a timeout', async () => {
  const seen: unknown[] = [];
  await using app = await requestUrlOf((request, response) => {
    seen.push([request.headers['x-slack-retry-num'], request.headers['x-slack-retry-reason']]);
    if (seen.length === 1) response.writeHead(500).end();
    if (seen.length === 3) response.writeHead(500, { 'x-slack-no-retry': '1' }).end();
  });
  await using playground = await startPlayground({
    requestUrl: app.url,
    // Silence has to be told from an answer that a busy machine takes its time for.
    ackTimeoutMs: 2_000,
    retryDelaysMs: [0, 0, 0],
  });
  playground.as('ana').post('#data', 'hello');
  await playground.waitFor(
    () => playground.deliveries.length === 3 && playground.deliveries[2]?.state === 'failed',
  );
  expect(seen).toEqual([
    [undefined, undefined],
    ['1', 'http_error'],
    ['2', 'http_timeout'],
  ]);
  expect(playground.service.deliveries.pendingRetries).toBe(0);
});

test('signed HTTP: a wrong secret is refused, and an app that was away gets retry headers later', async () => {
  const port = await freePort();
  const requestUrl = `http://127.0.0.1:${port}/slack/events`;
  await using other = await startPlayground({ signingSecret: 'another secret' });
  await using playground = await startPlayground({ requestUrl, retryDelaysMs: [60_000, 60_000, 60_000] });
  playground.as('ana').post('#data', 'anybody there?');
  await playground.waitFor(() => playground.service.deliveries.pendingRetries === 1);
  expect(playground.deliveries[0]).toMatchObject({ state: 'failed', failure: 'connection_failed' });
  expect(await playground.as('ana').slash('#data', '/spark 1')).toMatchObject({ error: 'dispatch_failed' });
  const retries: unknown[] = [];
  const app = await startHttpApp(playground, port, (bolt) => {
    bolt.message(async ({ context }) => void retries.push([context.retryNum, context.retryReason]));
  });
  expect(await verifyRequestUrl(other, requestUrl)).toBe(false);
  playground.retryNow();
  await playground.waitFor(() => playground.deliveries.at(-1)?.state === 'acked');
  expect(retries).toEqual([[1, 'connection_failed']]);
  await app.stop();
});
