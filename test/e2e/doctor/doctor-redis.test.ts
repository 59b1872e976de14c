import { expect, test } from 'vitest';
import { freePort } from '../../../demo/jupyter-app.ts';
import { startPlayground } from '../../../playground/playground.ts';
import { withRedis } from '../../contract/redis.ts';
import { runDoctor } from './rig.ts';

/** There is no gateway, so the checks of it fail at once. */
async function examine(url: string) {
  await using playground = await startPlayground();
  return await runDoctor({ ...playground.environment, KG_URL: 'http://127.0.0.1:9/', STORE_URL: url });
}

/** The doctor's line about the store. */
async function storeLine(url: string): Promise<string> {
  const { lines, failures } = await examine(url);
  return (
    failures.find((line) => line.startsWith('store')) ?? lines.find((line) => line.includes('store ')) ?? ''
  );
}

await withRedis(
  'the doctor on Redis',
  (redis) => {
    test('a store that answers is well', async () => {
      expect(await storeLine(redis.url)).toMatch(/^ok +store +redis: it answers/);
    });

    test('a Redis that may drop runs is noted', async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
      await redis.command('CONFIG', 'SET', 'maxmemory', '100mb');
      const { lines } = await examine(redis.url);
      expect(lines).toContainEqual(expect.stringMatching(/^note .*set its maxmemory-policy to noeviction$/));
      await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    });

    test('a wrong password is named', async () => {
      const line = await storeLine(`redis://:another@127.0.0.1:${redis.port}`);
      expect(line).toMatch(/^store .* → Correct user, password or database in STORE_URL\.$/);
      expect(line).not.toContain('another@');
    });

    test('a store of a newer version says itself what to do', async () => {
      await redis.command('SET', 'sparkthread:{v2}:version', '99');
      const line = await storeLine(redis.url);
      expect(line).toMatch(
        /^store .*written by a newer Sparkthread.* or set STORE_URL to another database\./,
      );
      expect(line).not.toContain('→ Correct');
      await redis.command('DEL', 'sparkthread:{v2}:version');
    });

    test('a store that does not answer and one that is not there are named', async () => {
      redis.pause();
      expect(await storeLine(redis.url)).toMatch(/^store .* → Start Redis, or correct host and port/);
      redis.resume();
      const nobody = `redis://127.0.0.1:${await freePort()}`;
      expect(await storeLine(nobody)).toMatch(/^store .* → Start Redis, or correct host and port/);
    });
  },
  'the password',
);
