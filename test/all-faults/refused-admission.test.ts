import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startPlayground } from '../../playground/playground.ts';
import { askSlash } from '../support/ask.ts';
import { findRedisServer, startRedisServer } from '../support/redis-server.ts';
import { startScriptedGateway } from '../support/scripted-gateway.ts';
import { startBot } from '../support/start-bot.ts';
import { holdKernels } from '../support/held-kernels.ts';

const found = await findRedisServer();

test.skipIf('missing' in found)(
  'a command that was told that nothing ran does not run later, though Redis had taken it',
  async () => {
    if ('missing' in found) return;
    await using playground = await startPlayground({ rates: false });
    const gateway = await startScriptedGateway();
    const kernels = holdKernels(gateway);
    kernels.letRun();
    const redis = await startRedisServer(found.path);
    const proxy = await startSwallowingProxy(redis.port);
    await using bot = await startBot({
      playground,
      gateway,
      environment: { STORE_URL: `redis://127.0.0.1:${proxy.port}`, DEFAULT_LANGUAGE: 'python3' },
    });
    await askSlash(playground, 'ana', '#data', '/spark before()');

    proxy.swallowAfter('refused()');
    const reaction = await playground.as('ana').slash('#data', '/spark refused()');
    expect(reaction.text).toContain('could not be accepted, nothing ran');
    // It was there: it had landed.
    await bot.untilLog((line) => line['msg'] === 'a refused snippet was withdrawn');
    await askSlash(playground, 'ana', '#data', '/spark after()');
    await bot.stop();
    await bot.restart();
    await askSlash(playground, 'ana', '#data', '/spark at the end()');
    expect(kernels.begun.map(({ code }) => code)).toEqual(['before()', 'after()', 'at the end()']);

    await bot.kill();
    await proxy.close();
    await redis.kill();
    await gateway.close();
  },
);

/** A way to Redis that passes on what is asked, and once loses the answer and its connection. */
async function startSwallowingProxy(redisPort: number) {
  const sockets = new Set<Socket>();
  let fatal: string | undefined;
  const server = createServer((client) => {
    const redis = connect(redisPort, '127.0.0.1');
    let isSwallowing = false;
    client.on('data', (asked) => {
      isSwallowing ||= fatal !== undefined && asked.includes(fatal);
      redis.write(asked);
    });
    redis.on('data', (answer) => {
      if (!isSwallowing) return void client.write(answer);
      fatal = undefined;
      client.resetAndDestroy();
    });
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return {
    port: address.port,
    swallowAfter(text: string): void {
      fatal = text;
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
