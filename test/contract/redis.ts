import { afterAll, describe, test } from 'vitest';
import { findRedisServer, type RedisServer, startRedisServer } from '../support/redis-server.ts';

/** Tests that need a real Redis: one of this file's own, or a skipped test that says why there is none. */
export async function withRedis(
  name: string,
  define: (server: RedisServer) => void,
  password?: string,
): Promise<void> {
  const found = await findRedisServer();
  if ('missing' in found) {
    test.skip(`${name}: skipped, because ${found.missing}`, () => undefined);
    return;
  }
  const server = await startRedisServer(found.path, password);
  afterAll(async () => {
    server.resume();
    await server.kill();
  });
  describe(name, () => define(server));
}

/** For `vi.waitFor`: a store finds by its next attempt that a connection is gone or back. */
export const patient = { timeout: 100_000, interval: 50 };
