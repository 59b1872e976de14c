import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { listen } from './sockets.ts';

/** A proxy before Redis that can hold or lose an answer. */
export interface RedisProxy extends AsyncDisposable {
  url: string;
  /** Holds the answer to the next command that contains this text until `release`. `reached`: Redis has the command. */
  holdAnswer(text: string): { reached: Promise<void>; release: () => void };
  /** Once: Redis gets the command that contains this text, but its answer and the connection are lost. */
  swallowAfter(text: string): void;
}

export async function startRedisProxy(redisPort: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let swallowed: string | undefined;
  let held: { text: string; reach: () => void; until: Promise<void> } | undefined;
  const server = createServer((client) => {
    const redis = connect(redisPort, '127.0.0.1');
    let isSwallowing = false;
    let passing = Promise.resolve();
    client.on('data', (asked) => {
      isSwallowing ||= swallowed !== undefined && asked.includes(swallowed);
      if (held !== undefined && asked.includes(held.text)) {
        const { reach, until } = held;
        held = undefined;
        passing = passing.then(() => until);
        redis.once('data', reach);
      }
      redis.write(asked);
    });
    redis.on('data', (answer) => {
      if (isSwallowing) {
        swallowed = undefined;
        client.resetAndDestroy();
      } else passing = passing.then(() => void client.write(answer));
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
  const port = await listen(server);
  return {
    url: `redis://127.0.0.1:${port}`,
    holdAnswer(text) {
      const reached = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      held = { text, reach: reached.resolve, until: gate.promise };
      return { reached: reached.promise, release: gate.resolve };
    },
    swallowAfter(text) {
      swallowed = text;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
